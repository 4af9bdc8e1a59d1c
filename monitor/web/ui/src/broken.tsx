import { Component, type ComponentChildren } from "preact";
import { EmptyState } from "./parts/index.ts";

/** Keeps a page that breaks from taking the others with it. */
export class Unbroken extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  override componentDidCatch(error: unknown): void {
    console.error(error);
    this.setState({ broken: true });
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <EmptyState title="This page broke.">
        <p>The daemon goes on. Reload the page; if it breaks again, the browser's console says why.</p>
      </EmptyState>
    );
  }
}
