import type { Page } from 'playwright-core';

/** WCAG contrast of an element's text with what is behind it. */
export function contrastOf(page: Page, selector: string): Promise<number> {
  return page.evaluate(
    `(() => {
      const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const element = document.querySelector(${JSON.stringify(selector)});
      let behind = element;
      while (behind && (numbers(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
      const [a, b] = [light(numbers(getComputedStyle(element).color)), light(numbers(getComputedStyle(behind ?? document.documentElement).backgroundColor))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    })()`,
  );
}
