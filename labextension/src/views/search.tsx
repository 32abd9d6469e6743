// The search field above a list, with its key and a way to empty it.

import type { JSX } from 'preact';

import type { Words } from '../core/words.js';
import { Close, Search } from './icons.js';

interface SearchBoxProps {
  query: string;
  words: Words;
  onChange: (query: string) => void;
}

export function SearchBox({ query, words, onChange }: SearchBoxProps): JSX.Element {
  return (
    <div class="js-sidebar-search">
      <div class="js-input">
        <Search />
        <input
          type="text"
          role="searchbox"
          value={query}
          placeholder={words.__('Search sessions')}
          aria-label={words.__('Search sessions')}
          spellcheck={false}
          onInput={event => onChange(event.currentTarget.value)}
        />
        {query ? (
          <button
            type="button"
            class="js-button js-button-icon"
            aria-label={words.__('Clear the search')}
            title={words.__('Clear the search (Esc)')}
            onClick={() => onChange('')}
          >
            <Close />
          </button>
        ) : (
          <kbd title={words.__('Press / to search')}>/</kbd>
        )}
      </div>
    </div>
  );
}
