// A component that is drawn again only when one of its properties is another. Long lists need it: a tick of the clock
// must cost what changed, not what is there.

import { Component, type ComponentChild, type ComponentType } from 'preact';

export function memo<P extends object>(draw: (props: P) => ComponentChild): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before = this.props as P;
      const keys = Object.keys(next) as (keyof P)[];
      return keys.length !== Object.keys(before).length || keys.some(key => next[key] !== before[key]);
    }

    override render(): ComponentChild {
      return draw(this.props);
    }
  };
}
