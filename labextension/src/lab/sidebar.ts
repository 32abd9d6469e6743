// The Lumino widget that holds the sidebar view. It mounts the view once and tells it when it can be seen, so that
// nothing ticks behind a closed panel.

import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { h, render } from 'preact';

import { Sidebar, type SidebarProps } from '../views/sidebar.js';

export class SessionsSidebar extends Widget {
  constructor(private readonly props: Omit<SidebarProps, 'visible'>) {
    super();
    this.addClass('js-sidebar-host');
  }

  protected override onBeforeAttach(message: Message): void {
    super.onBeforeAttach(message);
    this.draw();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.draw();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.draw();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.draw();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector('input')?.focus();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      render(null, this.node);
    }
    super.dispose();
  }

  private draw(): void {
    render(h(Sidebar, { ...this.props, visible: this.isVisible }), this.node);
  }
}
