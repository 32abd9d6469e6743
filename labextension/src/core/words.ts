// What the views say goes through a translator. JupyterLab's bundle fits this interface; elsewhere the English
// sentences are used as they stand, with the same `%1` places.

export interface Words {
  __(sentence: string, ...args: unknown[]): string;
  _n(one: string, many: string, n: number, ...args: unknown[]): string;
}

export const english: Words = {
  __: fill,
  _n: (one, many, n, ...args) => fill(n === 1 ? one : many, n, ...args)
};

function fill(sentence: string, ...args: unknown[]): string {
  return sentence.replace(/%(\d)/g, (place, n: string) => String(args[Number(n) - 1] ?? place));
}
