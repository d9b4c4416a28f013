import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** Returns the serious and critical accessibility violations that axe finds in the page as shown. */
export async function seriousFindings(page: Page): Promise<string[]> {
  if (await page.evaluate(`typeof axe === 'undefined'`)) {
    const axe = createRequire(path.join(__dirname, 'axe.js')).resolve('axe-core/axe.min.js');
    await page.evaluate(await readFile(axe, 'utf8'));
  }
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

export async function findingsInBothThemes(page: Page): Promise<string[]> {
  const findings: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    findings.push(...(await seriousFindings(page)).map((finding) => `${colorScheme}: ${finding}`));
  }
  return findings;
}
