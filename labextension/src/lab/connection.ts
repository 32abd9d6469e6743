// Lab's connection to its server, in the shape that the core asks for. Addresses are built on the base URL of the
// settings, so that a server behind a prefix or a hub works; the token travels only as far as Lab itself sends it.

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Request } from '../core/client.js';
import type { Socket } from '../core/feed.js';

export function labRequest(settings: ServerConnection.ISettings): Request {
  return (path, init = {}) => ServerConnection.makeRequest(URLExt.join(settings.baseUrl, path), init, settings);
}

export function labSocket(settings: ServerConnection.ISettings): () => Socket {
  return () => {
    const url = URLExt.join(settings.wsUrl, 'sessions/ws');
    const token = settings.appendToken && settings.token ? `?token=${encodeURIComponent(settings.token)}` : '';
    return new settings.WebSocket(url + token) as Socket;
  };
}
