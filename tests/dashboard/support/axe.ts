import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

/** The rules about colours, the only ones that depend on the theme. */
const COLOUR_RULES: RunOptions = { runOnly: ['color-contrast', 'link-in-text-block'] };

/** Returns the serious and critical accessibility violations that axe finds in the page as shown. */
export async function seriousFindings(page: Page, options: RunOptions = {}): Promise<string[]> {
  if (await page.evaluate(`typeof axe === 'undefined'`)) {
    const axe = createRequire(path.join(__dirname, 'axe.js')).resolve('axe-core/axe.min.js');
    await page.evaluate(await readFile(axe, 'utf8'));
  }
  // Without the elements that pass, which are many.
  const run = `axe.run(${JSON.stringify({ resultTypes: ['violations'], ...options })})`;
  const violations = await page.evaluate<AxeResults['violations']>(`${run}.then(({ violations }) => violations)`);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

export async function findingsInBothThemes(page: Page): Promise<string[]> {
  const findings: string[] = [];
  for (const [colorScheme, rules] of [
    ['light', {}],
    ['dark', COLOUR_RULES],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    findings.push(...(await seriousFindings(page, rules)).map((finding) => `${colorScheme}: ${finding}`));
  }
  return findings;
}
