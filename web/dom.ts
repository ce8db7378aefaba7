/** Making elements. Whatever comes out of a file goes in as text: there is no way to put HTML here. */
import { visible } from '../src/core/visible.ts';

export type Child = Node | string | undefined | false;

interface Options {
  class?: string;
  id?: string;
  /** Attributes, by name. */
  attributes?: Readonly<Record<string, string>>;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  options: Options | string = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const { class: className, id, attributes = {} } = typeof options === 'string' ? { class: options } : options;
  const made = document.createElement(name);
  if (className) made.className = className;
  if (id) made.id = id;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  for (const child of children) if (child !== undefined && child !== false) made.append(child);
  return made;
}

/** Text of a file, kept apart from what stands around it. */
export function said(text: string, className = ''): HTMLElement {
  return element('bdi', className, visible(text));
}
