/* Points, a browser, a host of fixtures. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

const { SRC, TEST_DIR, CHROMIUM, WEB } = process.env;
const require = createRequire(path.join(SRC, 'web/package.json'));
const { chromium } = require('playwright-core');
const AXE = require.resolve('axe-core/axe.min.js');

/* --- TAP ------------------------------------------------------------------------- */

let points = 0;
let failed = 0;

export function point(ok, name, why = '') {
	points++;
	if (!ok) failed++;
	console.log(`${ok ? 'ok' : 'not ok'} ${points} - ${name.replaceAll('#', '')}`);
	if (!ok && why) for (const line of String(why).split('\n')) console.log(`# ${line}`);
}

let depth = 0;

/*
 * A part that may throw: a step that cannot be done is a point that failed. What the
 * outermost has opened is closed after it, pages first: one whose host is gone complains.
 */
export async function part(name, run) {
	depth++;
	try {
		await run();
	} catch (e) {
		point(false, name, [e.stack ?? e, ...pages.filter((p) => !p.isClosed()).map((p) => p.url())].join('\n'));
		// what there was to see then
		for (const [i, page] of pages.entries())
			if (!page.isClosed()) await shot(page, `failed-${points}-${i}`).catch(() => {});
	}
	if (--depth === 0) await leave();
}

/* A page's own routes are waited for, as what they ask of the host has nobody to fail to. */
async function leave() {
	for (const page of pages.splice(0)) {
		if (page.isClosed()) continue;
		await page.unrouteAll({ behavior: 'wait' });
		await page.context().close();
	}
	for (const child of children.splice(0)) child.kill();
}

process.on('unhandledRejection', (e) => point(false, 'nothing fails unseen', e.stack ?? e));

export function finish() {
	console.log(`1..${points}`);
	return failed === 0 ? 0 : 1;
}

/* --- the host ---------------------------------------------------------------------- */

const children = [];

export async function fixtures(...options) {
	const mock = spawn(process.execPath, [path.join(SRC, 'web/dev/server.mjs'), '--port', '0', '--web', WEB, ...options], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	children.push(mock);
	const gone = once(mock, 'exit').then(([code]) => Promise.reject(new Error(`web/dev/server.mjs ended with ${code}`)));
	gone.catch(() => {}); // later it is meant to
	const [line] = await Promise.race([once(mock.stdout, 'data'), gone]);
	return { url: String(line).trim(), stop: () => mock.kill() };
}

/* --- the browser --------------------------------------------------------------------- */

export const SIZES = {
	desktop: { viewport: { width: 1280, height: 820 } },
	phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true },
};

let browser;
const pages = [];

export async function open(url, { size = 'desktop', scheme = 'light', expected = [] } = {}) {
	browser ??= await chromium.launch({
		executablePath: CHROMIUM,
		// no GPU in tests; the sandbox wants another user than root
		args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
	});
	const context = await browser.newContext({
		...SIZES[size],
		colorScheme: scheme,
		reducedMotion: 'reduce',
		timezoneId: 'UTC',
		locale: 'en-GB',
	});
	context.setDefaultTimeout(60_000); // the machine is not this test's alone
	const page = await context.newPage();
	pages.push(page);
	const complaints = [];
	const strangers = [];
	page.on('console', (m) => {
		if (m.type() === 'error' && !expected.some((x) => m.text().includes(x))) complaints.push(m.text());
	});
	page.on('pageerror', (e) => complaints.push(e.stack ?? e.message));
	page.on('request', (r) => {
		if (!r.url().startsWith(url) && !/^(data|blob):/.test(r.url())) strangers.push(r.url());
	});
	// axe's script, and nothing else, comes from outside the policy.
	const at = async (hash) => {
		await page.goto(url + hash);
		await settled(page);
	};
	return { page, context, complaints, strangers, at };
}

const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/* What was asked for is there; nothing more is waited for. */
export async function settled(page) {
	await drawn(page); // an address that was changed is taken: what was there before is not meant
	await page.locator('h1, [role=alert], form, .empty').first().waitFor({ state: 'attached' });
	await page.waitForFunction(() => !document.querySelector('[role=status][aria-label^=Loading]'));
	await drawn(page);
}

export async function axe(page) {
	const { readFile } = await import('node:fs/promises');
	await page.evaluate(await readFile(AXE, 'utf8')); // by the debugger: no CSP applies
	const { violations } = await page.evaluate(() =>
		globalThis.axe.run(document, { resultTypes: ['violations'] }),
	);
	return violations
		.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.map(
			(v) =>
				`${v.id}: ${v.help}\n` +
				v.nodes
					.slice(0, 3)
					.map((n) => `  ${n.target.join(' ')}: ${n.failureSummary?.split('\n').slice(1, 2).join('').trim()}`)
					.join('\n'),
		)
		.join('\n');
}

export async function shot(page, name) {
	await page.screenshot({ path: path.join(TEST_DIR, `${name}.png`) });
}

/* Badges, switches and buttons of a table of which a part is hidden. */
export const cutOff = (page) =>
	page.evaluate(() =>
		[...document.querySelectorAll('.value :is(.badge, .modes, .button)')]
			.filter((e) => e.getBoundingClientRect().right > e.closest('.value').getBoundingClientRect().right + 0.5)
			.map((e) => e.innerText || e.getAttribute('aria-label'))
			.slice(0, 5)
			.join(', '),
	);

/* What is wider than the window. */
export const overflow = (page) =>
	page.evaluate(() => {
		const wide = document.documentElement.scrollWidth - innerWidth;
		const main = document.querySelector('main');
		const within = main ? main.scrollWidth - main.clientWidth : 0;
		return wide > 0 || within > 0 ? `page ${wide}px, main ${within}px too wide` : '';
	});

export async function close() {
	await leave();
	await browser?.close();
}
