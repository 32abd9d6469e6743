// The JupyterLab plugin: the sidebar, its icon and the command that shows it.

import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Client } from '../core/client.js';
import { Feed } from '../core/feed.js';
import { SessionList } from '../core/sessions.js';
import { labRequest, labSocket } from './connection.js';
import { tapeIcon } from './icons.js';
import { SessionsSidebar } from './sidebar.js';

const SHOW = 'jupyter-sessions:show';
const SIDEBAR_ID = 'jupyter-sessions-sidebar';

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sessions:sidebar',
  description: 'Shows the recorded sessions in the left sidebar, live.',
  autoStart: true,
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate(
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void {
    const words = (translator ?? nullTranslator).load('jupyter_sessions');
    const settings = app.serviceManager.serverSettings;
    const client = new Client(labRequest(settings));
    const feed = new Feed({ open: labSocket(settings) });
    const list = new SessionList(client, feed);

    const widget = new SessionsSidebar({ list, client, words, onRetry: () => feed.retryNow() });
    widget.id = SIDEBAR_ID;
    widget.title.icon = tapeIcon;
    widget.title.caption = words.__('Sessions');
    app.shell.add(widget, 'left', { rank: 550, type: 'Sessions' });
    restorer?.add(widget, SIDEBAR_ID);

    app.commands.addCommand(SHOW, {
      label: words.__('Show sessions'),
      caption: words.__('Show the recorded sessions in the sidebar'),
      icon: tapeIcon,
      execute: () => app.shell.activateById(SIDEBAR_ID),
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command: SHOW, category: words.__('Sessions') });

    // A laptop that wakes up knows it before the next try is due.
    window.addEventListener('online', () => feed.retryNow());
    list.start();
  }
};

export default sidebar;
