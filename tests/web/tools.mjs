import { readFile } from 'node:fs/promises';
import { axe, close, cutOff, finish, fixtures, open, overflow, part, point, settled, shot } from './lib.mjs';

const quiet = async (b) => point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
const rows = (page, name, n) => page.locator(`[role=grid][aria-label="${name}"][aria-rowcount="${n}"]`).waitFor();
const ready = (page) => page.locator('.host[data-ready=yes]').waitFor();

/* --- with something open: each size and both themes --------------------------------------- */

const VIEWS = [
	['map?view=list', 'map-list', (p) => p.getByRole('grid').waitFor()],
	['policy?from=queue-worker-1&to=shop-db-1&proto=tcp&port=5432', 'policy-explained', (p) => p.getByText('It is blocked').waitFor()],
	['policy/text', 'policy-text', (p) => p.getByLabel('The policy in YAML').waitFor()],
	['policy/history', 'policy-history', (p) => p.getByRole('grid').waitFor()],
	['flows', 'flows-open', (p) => p.getByRole('grid').waitFor()],
	['flows/recorded', 'flows-recorded', (p) => p.getByRole('grid').waitFor()],
	['signatures?sid=1000001', 'signatures-found', (p) => p.getByText('1 signature').waitFor()],
	['signatures/sensors', 'sensors', (p) => p.getByText('national_ids').waitFor()],
	['settings/responses', 'responses', (p) => p.getByText('What fired').waitFor()],
	['settings/users', 'users', (p) => p.getByText('carol').waitFor()],
	['settings/tokens', 'tokens', (p) => p.getByText('grafana').waitFor()],
	['settings/account', 'account', (p) => p.getByRole('tab', { name: 'My password' }).evaluate((e) => e.getBoundingClientRect().right <= innerWidth || Promise.reject(new Error('its tab is out of sight')))],
	['settings/agent', 'settings-agent', (p) => p.getByLabel('Keep flows for').waitFor()],
	['map?view=graph', 'map-graph', ready],
];

async function looks() {
	const host = await fixtures('--open', '--quiet');
	for (const size of ['desktop', 'phone'])
		for (const scheme of ['light', 'dark']) {
			const b = await open(host.url, { size, scheme });
			for (const [hash, name, there] of VIEWS)
				await part(`${name}, ${size}, ${scheme}`, async () => {
					await b.at(`#/${hash}`);
					await there(b.page);
					await settled(b.page);
					await shot(b.page, `${name}-${size}-${scheme}`);
					const found = await axe(b.page);
					point(found === '', `${name}, ${size}, ${scheme}: axe finds nothing serious`, found);
					const wide = await overflow(b.page);
					point(wide === '', `${name}, ${size}, ${scheme}: nothing overflows`, wide);
					if (scheme === 'light') {
						const cut = await cutOff(b.page);
						point(cut === '', `${name}, ${size}: no badge, switch or button is cut off`, cut);
					}
				});
			await quiet(b);
			await b.context.close();
		}
}

/* --- the map -------------------------------------------------------------------------------- */

async function map() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	const { page } = b;
	await b.at('#/map');
	await ready(page);
	const graph = page.getByRole('application', { name: 'Map of connections' });
	const boxes = async () => Number(await graph.getAttribute('data-boxes'));
	const begun = await boxes();
	await page.getByRole('button', { name: 'Namespaces', exact: true }).click();
	await page.waitForFunction((n) => Number(document.querySelector('.host').dataset.boxes) < n, begun);
	const shut = await boxes();
	point(shut === 6, 'closed, there are four namespaces, outside and an address', shut);
	await graph.focus();
	const said = graph.locator('xpath=following-sibling::p[@aria-live]');
	await page.keyboard.press('ArrowRight');
	for (let i = 0; i < 8 && !/^shop, namespace/.test(await said.innerText()); i++)
		await page.keyboard.press(['ArrowRight', 'ArrowDown', 'ArrowUp', 'ArrowLeft'][i % 4]);
	point(/, (namespace|outside|address),?/.test(await said.innerText()), 'arrow keys go to a box, and it is told', await said.innerText());
	await page.keyboard.press('Space');
	await page.locator('aside').waitFor();
	point(await page.locator('aside').getByText('Its connections').isVisible(), 'Space opens what is known of it');
	await page.keyboard.press('Escape');
	await page.locator('aside').waitFor({ state: 'detached' });
	await page.getByRole('button', { name: 'Workloads', exact: true }).click();
	await page.waitForFunction((n) => Number(document.querySelector('.host').dataset.boxes) > n, begun);
	point(true, 'and all can be opened at once');
	await page.getByRole('button', { name: /Only blocked/ }).click();
	await page.waitForFunction(() => Number(document.querySelector('.host').dataset.lines) < 12);
	point(page.url().includes('verdict=denied'), 'a verdict is a filter, in the address', page.url());

	await page.getByRole('button', { name: 'List', exact: true }).click();
	const list = page.getByRole('grid', { name: 'Map of connections' });
	await list.waitFor();
	await list.getByRole('row').filter({ hasText: 'queue-worker' }).filter({ hasText: 'shop-db-1' }).first().click();
	const panel = page.locator('aside');
	await panel.getByText('no rule allows it').first().waitFor();
	point(true, 'a connection says why it was blocked');
	point(await panel.getByText('No rule speaks of it').first().isVisible(), 'and which rule did it, or that none did');
	await panel.getByText('tcp/5432').first().waitFor();
	await shot(page, 'map-line-desktop-light');
	point((await axe(page)) === '', 'its panel: axe finds nothing serious', await axe(page));
	await panel.getByRole('link', { name: 'Which rule decides?' }).click();
	await page.getByText('It is blocked').waitFor();
	point(true, 'and leads to the rule that decides');

	// a line between groups: flows of each pair, whoever they are
	await b.at('#/map');
	await ready(page);
	await graph.focus();
	for (let i = 0; i < 60 && !/^worker\.queue/.test(await said.innerText()); i++)
		await page.keyboard.press(['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowDown', 'ArrowUp', 'ArrowRight'][i % 6]);
	await page.keyboard.press('Space');
	await panel.getByRole('button', { name: /kafka\.queue/ }).first().click();
	await panel.getByText(/by rule|by its mode/).first().waitFor();
	const pairs = Number(/^(\d+)/.exec(await panel.getByRole('heading', { name: /in this line/ }).first().innerText())?.[1]);
	const whose = new Set(await panel.locator('.flow .ends').allInnerTexts());
	point(pairs > 3 && whose.size > 3, 'a line of many workloads shows flows of more than three of them', `${pairs} pairs, flows of ${[...whose].join('; ')}`);
	await shot(page, 'map-line-many-desktop-light');

	await b.at('#/map');
	await page.getByRole('slider', { name: /End of the time/ }).fill(String(Math.floor(Date.now() / 1000 / 300) * 300 - 86400 * 3));
	await page.waitForFunction(() => location.hash.includes('until='));
	point(true, 'the time of what is shown is in the address');
	await page.getByRole('button', { name: 'Live', exact: true }).click();
	await page.waitForFunction(() => !location.hash.includes('until='));
	point(true, 'and back to what goes on now');
	await quiet(b);

	const alive = await fixtures('--open');
	const l = await open(alive.url);
	await l.at('#/map?view=list');
	await l.page.getByRole('grid').waitFor();
	const sum = () => l.page.getByRole('grid').innerText();
	const before = await sum();
	await l.page.waitForFunction((was) => document.querySelector('[role=grid]').innerText !== was, before);
	point(true, 'what goes on changes it');
}

/* What is drawn is what was recorded of the time that the slider says. */
async function history() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	const { page } = b;
	const now = Math.floor(Date.now() / 1000 / 300) * 300;
	const day = 86400;
	const seen = [
		{ at: now - 3 * day, from: 'a', to: 'b', verdict: 'allowed', sessions: 11 },
		{ at: now - day, from: 'a', to: 'b', verdict: 'denied', sessions: 12 },
		{ at: now - day, from: 'c', to: 'b', verdict: 'violation', sessions: 13 },
		{ at: now - 60, from: 'c', to: 'a', verdict: 'allowed', sessions: 14 },
	];
	const asked = [];
	let go;
	const late = new Promise((done) => (go = done));
	await page.route('**/api/v1/map*', async (r) => {
		const q = Object.fromEntries(new URL(r.request().url()).searchParams);
		const until = Number(q.until ?? now + 300);
		const since = Number(q.since ?? now - 3600);
		asked.push(q);
		if (q.after) {
			// what changed: told when something else is shown
			await late;
			const edge = { from: 'b', to: 'c', protos_ports: ['tcp/80'], applications: ['http'], sessions: 1, bytes: 1000, verdict: 'denied', rule: 0, threats: 0, first_seen: now, last_seen: now };
			await r.fulfill({ json: { nodes: [], edges: [edge], gone: [], after: Number(q.after), next: now + 1, whole: false } });
			return;
		}
		await r.fulfill({
			json: {
				nodes: ['a', 'b', 'c'].map((id) => ({ id, name: id, namespace: 'shop', service: id, groups: [id], mode: 'discover', state: 'guarded', kind: 'workload' })),
				edges: seen.filter((e) => e.at >= since && e.at < until).map(({ at, ...e }) => ({ ...e, protos_ports: ['tcp/80'], applications: ['http'], bytes: 1000, rule: 0, threats: 0, first_seen: at, last_seen: at })),
				gone: [], next: now, whole: true, recorded: { first: now - 5 * day, last: now }, since, until, left_out: 0,
			},
		});
	});
	await b.at('#/map');
	await ready(page);
	/* As it is drawn: lines' ends, by name, and their colour's class. */
	const lines = (want) => {
		const edges = document.querySelector('.host')._cyreg.cy.edges();
		const is = edges.map((e) => `${e.data('source').split('/').pop()} ${e.data('target').split('/').pop()} ${['allowed', 'violation', 'denied'].find((c) => e.hasClass(c))}`);
		const all = is.sort().join(', ');
		return want === undefined ? all : all === want;
	};
	const drawn = async (want, name) => {
		const is = await page.waitForFunction(lines, want).catch(() => false);
		point(!!is, name, is || `${await page.evaluate(lines)}, not ${want}`);
	};
	const slider = page.getByRole('slider', { name: /End of the time/ });
	const shown = async (from, to) => {
		const stamp = (s) => new Date(s * 1000).toISOString().slice(0, 16).replace('T', ' ');
		const want = `${stamp(from)} – ${stamp(to).slice(-5)}`;
		await page.locator('.bar .when', { hasText: want }).waitFor();
		point((await slider.getAttribute('aria-valuetext')) === want, 'and says which time that is', want);
	};
	await drawn('c a allowed', 'live, the last hour is drawn');
	point((await slider.getAttribute('min')) === String(now - 5 * day) && (await slider.getAttribute('max')) === String(now), 'the slider goes over what is recorded');
	await slider.fill(String(now - 3 * day + 600));
	await drawn('a b allowed', 'three days back, what was recorded then');
	const told = page.waitForResponse((r) => r.url().includes('after='));
	go();
	await told;
	await settled(page);
	await drawn('a b allowed', 'what changes now is not drawn there');
	await shown(now - 3 * day + 600 - 3600, now - 3 * day + 600);
	await slider.fill(String(now - day + 300));
	await drawn('a b denied, c b violation', 'a day back, what was then, and nothing else');
	await shown(now - day + 300 - 3600, now - day + 300);
	await page.getByLabel('How much at once').selectOption('900');
	await page.waitForFunction(() => location.hash.includes('span=900'));
	await shown(now - day + 300 - 900, now - day + 300);
	await slider.fill(String(now - 2 * day));
	await drawn('', 'where nothing was recorded nothing is drawn');
	await page.getByRole('button', { name: 'List', exact: true }).click();
	await slider.fill(String(now - day + 300));
	const grid = page.getByRole('grid', { name: 'Map of connections' });
	await grid.getByRole('row').filter({ hasText: '13' }).waitFor();
	point((await grid.getAttribute('aria-rowcount')) === '3', 'the list is of the same time', await grid.innerText());
	await page.reload();
	await grid.getByRole('row').filter({ hasText: '13' }).waitFor();
	point((await grid.getAttribute('aria-rowcount')) === '3' && asked.at(-1).until === String(now - day + 300) && asked.at(-1).since === String(now - day + 300 - 900), 'also after a reload', JSON.stringify(asked.at(-1)));
	await page.getByRole('button', { name: 'Graph', exact: true }).click();
	await ready(page);
	await drawn('a b denied, c b violation', 'and the graph');
	await page.getByRole('button', { name: 'Live', exact: true }).click();
	await drawn('c a allowed', 'back to what goes on now');
	await quiet(b);
}

/* A thousand workloads: how long until something is drawn is told, and bounded loosely. */
async function many() {
	const host = await fixtures('--open', '--quiet', '--workloads', '1000');
	const b = await open(host.url);
	await b.at('#/overview');
	await b.page.evaluate(() => {
		globalThis.begun = performance.now();
		globalThis.drawn = 0;
		new MutationObserver(() => {
			if (!globalThis.drawn && document.querySelector('.host[data-ready=yes]')) globalThis.drawn = performance.now() - globalThis.begun;
		}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-ready'] });
		location.hash = '#/map';
	});
	await ready(b.page);
	console.log(`# 1,000 workloads, first drawn after ${Math.round(await b.page.evaluate(() => globalThis.drawn))} ms`);
	await shot(b.page, 'map-1000-desktop-light');
	const graph = b.page.locator('.host');
	point(Number(await graph.getAttribute('data-boxes')) < 40, 'a thousand workloads begin closed', await graph.getAttribute('data-boxes'));
	await b.page.getByRole('button', { name: 'Workloads', exact: true }).click();
	await b.page.waitForFunction(() => Number(document.querySelector('.host').dataset.boxes) > 1000);
	point(true, 'and can be opened all at once');
	await shot(b.page, 'map-1000-open-desktop-light');
	await quiet(b);

	// one namespace of a thousand groups, of which each talks to eight
	const now = Math.floor(Date.now() / 1000);
	const whole = {
		nodes: Array.from({ length: 1000 }, (_, i) => ({ id: `w${i}`, name: `w${i}`, namespace: 'big', service: `s${i}`, groups: [`s${i}.big`], mode: 'discover', state: 'guarded', kind: 'workload' })),
		edges: Array.from({ length: 8000 }, (_, i) => ({
			from: `w${i % 1000}`, to: `w${((i % 1000) + 1 + Math.floor(i / 1000) * 37 + (i % 7)) % 1000}`, protos_ports: ['tcp/8080'], applications: ['http'],
			sessions: 3, bytes: 4000 * (1 + (i % 997)), verdict: i % 401 === 0 ? 'denied' : 'allowed', rule: 0, threats: 0, first_seen: now - 100, last_seen: now - 5,
		})),
		gone: [], next: now, whole: true, recorded: { first: now - 86400, last: now }, since: now - 3600, until: now, left_out: 0,
	};
	const g = await open(host.url);
	await g.page.route('**/api/v1/map*', (r) => r.fulfill({ json: whole }));
	await g.at('#/map');
	await ready(g.page);
	point((await g.page.locator('.host').getAttribute('data-boxes')) === '1', 'a namespace of a thousand groups begins closed');
	const begun = Date.now();
	await g.page.getByRole('button', { name: 'Groups', exact: true }).click();
	await g.page.locator('.host[data-boxes="1001"][data-lines="1000"]').waitFor();
	console.log(`# 1,000 groups, 8,000 lines: opened after ${Date.now() - begun} ms`);
	await g.page.getByText('7,000 more lines are not drawn').waitFor();
	point(true, 'opened, the worst and busiest of 8,000 lines are drawn, and it says so');
	await shot(g.page, 'map-1000-groups-desktop-light');
	await quiet(g);
}

/* By finger: a tap tells of a box. */
async function fingers() {
	const host = await fixtures('--open', '--quiet');
	const { page, ...b } = await open(host.url, { size: 'phone' });
	await b.at('#/map');
	await page.getByRole('grid', { name: 'Map of connections' }).waitFor();
	point(true, 'on a phone the map begins as a list');
	await page.getByRole('button', { name: 'Graph', exact: true }).click();
	await ready(page);
	const graph = page.locator('.host');
	const boxes = async () => Number(await graph.getAttribute('data-boxes'));
	const begun = await boxes();
	point(begun < 10, 'as a graph with namespaces, which can be read', begun);
	const panel = page.locator('aside');
	// where the drawing has it, which it tells nobody else
	const shop = await graph.evaluate((e) => e._cyreg.cy.getElementById('ns:shop').renderedPosition());
	const { x, y } = await graph.boundingBox();
	await page.touchscreen.tap(x + shop.x, y + shop.y);
	await panel.getByRole('heading', { name: 'shop' }).waitFor();
	point((await boxes()) === begun, 'a tap tells what is known of it');
	await shot(page, 'map-box-phone-light');
	await panel.getByRole('button', { name: 'Open', exact: true }).click();
	await page.waitForFunction((n) => Number(document.querySelector('.host').dataset.boxes) > n, begun);
	point(true, 'and there it can be opened');

	await page.reload();
	await ready(page);
	const again = await graph.evaluate((e) => e._cyreg.cy.getElementById('ns:shop').renderedPosition());
	const at = await graph.boundingBox();
	const opened = async () => (await boxes()) > begun;
	for (let i = 0; i < 20 && !(await opened()); i++) {
		for (let n = 0; n < 2; n++) await page.touchscreen.tap(at.x + again.x, at.y + again.y);
		// the second tap may have come late: then it is told of, and tapped anew
		await page.waitForFunction((n) => Number(document.querySelector('.host').dataset.boxes) > n || document.querySelector('aside'), begun);
		if (!(await opened())) await page.keyboard.press('Escape');
	}
	point((await opened()) && (await panel.count()) === 0, 'two taps open it at once');
	await quiet(b);
}

/* --- the policy ------------------------------------------------------------------------------ */

async function policy() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url, { expected: ['412', '400'] });
	const { page } = b;
	await b.at('#/policy');
	const rule = (id) => page.locator(`[data-rule="${id}"]`);
	const order = () => page.locator('[data-rule]').evaluateAll((l) => l.map((r) => r.dataset.rule));
	const dialog = page.getByRole('dialog');
	await rule('10').waitFor();
	const first = await order();
	await rule('10').focus();
	await page.keyboard.press('Alt+ArrowDown');
	await page.locator('[data-rule="10"][aria-rowindex="3"]:focus').waitFor();
	point((await order())[1] === '10', 'Alt and an arrow moves a rule, and the focus goes along');
	const grip = await rule('10').getByRole('button', { name: 'Move rule 10' }).boundingBox();
	const to = await rule('40').boundingBox();
	await page.mouse.move(grip.x + 8, grip.y + 12);
	await page.mouse.down();
	await page.mouse.move(to.x + 20, to.y + to.height - 2, { steps: 5 });
	await page.mouse.up();
	point((await order()).indexOf('10') === 3, 'and so does dragging', (await order()).join(' '));
	await page.getByRole('button', { name: 'Disable rule 30' }).click();
	await page.getByRole('button', { name: 'Delete rule 50' }).click();
	await rule('20').dblclick();
	await dialog.getByLabel('Comment').fill('paid here');
	await dialog.getByRole('button', { name: 'Stage it' }).click();
	await page.getByRole('button', { name: 'Add a rule' }).first().click();
	await dialog.getByLabel('From').fill('worker.queue');
	await dialog.getByLabel('To', { exact: true }).fill('db.shop');
	await dialog.getByLabel('Ports').fill('tcp/5432');
	await shot(page, 'rule-form-desktop-light');
	point((await axe(page)) === '', 'the form: axe finds nothing serious', await axe(page));
	await dialog.getByRole('button', { name: 'Stage it' }).click();
	await rule('51').waitFor();
	point(await page.getByText('5 changes are staged', { exact: true }).first().isVisible(), 'what is meant is staged');
	await page.reload();
	await rule('51').waitFor();
	point(true, 'and there after a reload');
	await shot(page, 'policy-staged-desktop-light');
	point((await axe(page)) === '', 'staged: axe finds nothing serious', await axe(page));

	// somebody else is quicker
	await page.getByRole('button', { name: 'Compare and apply' }).click();
	await dialog.getByText('worker.queue → db.shop').waitFor();
	await shot(page, 'policy-diff-desktop-light');
	await page.evaluate(() => fetch('/api/v1/mode', { method: 'PUT', headers: { 'content-type': 'application/json', 'x-weir-csrf': 'open' }, body: '{"mode":"monitor"}' }));
	await dialog.getByRole('button', { name: 'Apply' }).click();
	await dialog.getByText('Somebody changed the policy meanwhile').waitFor();
	point(true, 'who was slower is told so');
	await dialog.getByRole('button', { name: 'Compare again' }).click();
	await dialog.getByText('worker.queue → db.shop').waitFor();
	await dialog.getByRole('button', { name: 'Apply' }).click();
	await page.getByText(/Revision \d+ is in force/).waitFor();
	await page.getByText('changes are staged', { exact: false }).first().waitFor({ state: 'detached' });
	const applied = await order();
	point(applied[0] === '51' && !applied.includes('50') && applied.indexOf('10') > applied.indexOf('40'), 'compared again it is applied, in the order meant', applied.join(' '));
	// at once: the message with its Undo goes by itself
	await page.getByRole('button', { name: 'Undo' }).last().click();
	await page.getByText('Taken back').waitFor();
	await rule('50').waitFor();
	point((await order()).join() === first.join(), 'undone, all is as it was');

	await page.getByRole('tab', { name: 'History' }).click();
	const told = await page.getByRole('grid', { name: 'History' }).getByRole('row').allInnerTexts();
	point(
		[/^\d+\s+a policy was applied\s+alice/, /^12\s+1 learned rule was accepted\s+weir-agent/, /^10\s+rule 10003 was deleted\s+root, on the host/, /^9\s+–\s+–/].every((x) =>
			told.some((row) => x.test(row)),
		),
		'the history says who made each, and what was done, of an older one nothing',
		told.join('\n'),
	);
	await page.getByRole('button', { name: 'Go back to it' }).first().click();
	await dialog.getByRole('button', { name: 'Go back to it' }).click();
	await page.getByText(/Back at revision/).waitFor();
	point(true, 'an older revision is gone back to');
	await b.at('#/policy');
	await rule('51').waitFor();
	await page.getByLabel('From', { exact: true }).fill('queue-worker-1');
	await page.getByLabel('To', { exact: true }).fill('shop-db-1');
	await page.getByLabel('Port', { exact: true }).fill('5432');
	await page.getByRole('button', { name: 'Explain' }).click();
	await page.getByText('It passes').waitFor();
	await page.getByRole('button', { name: 'Show the rule' }).first().click();
	await page.locator('[data-rule="51"].open').waitFor();
	point(true, 'what decides is explained, and shown among the rules');
	await b.at('#/policy/text');
	const text = page.getByLabel('The policy in YAML');
	await text.waitFor();
	await text.fill((await text.inputValue()).replace('action: deny', 'action: nonsense'));
	await page.getByRole('button', { name: 'Compare and apply' }).click();
	await dialog.getByText('This cannot be applied').waitFor();
	point(/expected allow/.test(await dialog.innerText()), 'a mistake in the text is told, and where', await dialog.innerText());
	await dialog.getByRole('button', { name: 'Cancel' }).click();
	await quiet(b);
}

/* --- flows, captures, signatures, settings ------------------------------------------------------ */

async function deeds() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	const { page } = b;
	const dialog = page.getByRole('dialog');

	await b.at('#/flows');
	const open_ = page.getByRole('grid', { name: 'Open now' });
	await open_.waitFor();
	const many = Number(await open_.getAttribute('aria-rowcount'));
	await open_.getByRole('checkbox', { name: 'Select this row' }).first().check();
	await page.getByRole('button', { name: 'End 1 connection' }).click();
	await dialog.getByRole('button', { name: 'End 1 connection' }).click();
	await page.getByText('1 connection is ended').waitFor();
	await rows(page, 'Open now', many - 1);
	point(true, 'a connection is ended, and gone');
	await page.getByRole('tab', { name: 'Recorded' }).click();
	await rows(page, 'Recorded', 501);
	await page.getByRole('button', { name: 'Show older ones' }).click();
	await rows(page, 'Recorded', 1001);
	point(true, 'older flows follow the newest');
	await page.getByLabel('Only violations').check();
	await page.getByRole('grid', { name: 'Recorded' }).getByText(/violation|blocked/).first().waitFor();
	await page.getByRole('grid', { name: 'Recorded' }).getByText('allowed', { exact: true }).first().waitFor({ state: 'detached' });
	point(true, 'only violations are only those');

	await b.at('#/capture');
	await page.getByRole('button', { name: 'Start a capture' }).first().click();
	await dialog.getByLabel('Workload').fill('nobody');
	point(await dialog.getByRole('button', { name: 'Start' }).isDisabled(), 'nobody cannot be captured');
	await dialog.getByLabel('Workload').fill('shop-db-1');
	await dialog.getByLabel(/Only frames/).fill('tcp port 5432');
	await dialog.getByRole('button', { name: 'Start' }).click();
	await page.getByText('running').waitFor();
	await page.getByRole('button', { name: 'Stop', exact: true }).click();
	await page.getByText('The capture has stopped').waitFor();
	const fetched = page.waitForEvent('download');
	await page.getByRole('link', { name: 'Download capture 2' }).click();
	const file = await fetched;
	const head = await readFile(await file.path());
	point(file.suggestedFilename() === 'weir-capture-2.pcapng' && head.readUInt32BE(0) === 0x0a0d0d0a, 'a capture is begun, stopped, and another fetched as pcapng', file.suggestedFilename());
	await page.getByRole('button', { name: 'Delete capture 2' }).click();
	await dialog.getByRole('button', { name: 'Remove' }).click();
	await page.getByRole('link', { name: 'Download capture 2' }).waitFor({ state: 'detached' });
	point(true, 'and deleted');

	await b.at('#/signatures');
	await page.getByRole('button', { name: 'Load a file' }).click();
	await dialog.getByLabel('Name').fill('mine.rules');
	await dialog.getByLabel('Rules', { exact: true }).fill('alert tcp any any -> any any (msg:"a"; sid:1; rev:1;)\nalert tcp any any -> any any (msg:"b";)\n');
	await dialog.getByRole('button', { name: 'Load' }).click();
	await dialog.getByRole('button', { name: 'mine.rules:2' }).click();
	const chosen = await dialog.getByLabel('Rules', { exact: true }).evaluate((e) => e.value.slice(e.selectionStart, e.selectionEnd));
	point(chosen.includes('msg:"b"'), 'a fault is told by file and line, and leads there', chosen);
	await shot(page, 'signature-fault-desktop-light');
	point((await axe(page)) === '', 'faults: axe finds nothing serious', await axe(page));
	await dialog.getByRole('button', { name: 'Close' }).last().click();
	await page.getByRole('button', { name: 'Unload mine.rules' }).click();
	await dialog.getByRole('button', { name: 'Unload' }).click();
	await page.getByRole('button', { name: 'Unload mine.rules' }).waitFor({ state: 'detached' });
	point(true, 'and the file unloaded');

	await b.at('#/settings');
	const absent = page.getByLabel('A workload without a policy', { exact: true });
	const changedTo = (n) => page.getByText(`${n} setting${n === 1 ? '' : 's'} changed, not saved`).waitFor();
	const saved = async () => {
		await page.getByRole('button', { name: 'Save what changed' }).click();
		await page.locator('.save').waitFor({ state: 'detached' });
		await page.reload();
		await settled(page);
	};
	point((await page.locator('section').getByText(/data_plane\.|undefined/).count()) === 0, 'each setting has words, not a key');
	await absent.selectOption({ label: 'all of it passes' });
	await changedTo(1);
	await page.getByLabel('Split handshake (2004): What is done').selectOption('drop');
	await page.getByRole('group', { name: 'Look into' }).getByLabel('gre').check();
	await changedTo(3);
	await shot(page, 'settings-changed-desktop-light');
	point((await axe(page)) === '', 'settings that are changed: axe finds nothing serious', await axe(page));
	await saved();
	point((await absent.inputValue()) === 'open' && (await page.getByLabel('gre').isChecked()), 'settings are changed, and stay');
	const upper = page.getByLabel('SYN flood: At most', { exact: true });
	point((await upper.inputValue()) === '500' && (await upper.evaluate((e) => document.getElementById(e.getAttribute('aria-describedby')).innerText)) === 'SYNs', 'a number has its unit', await upper.inputValue());
	await upper.fill('many');
	await upper.press('Tab');
	await page.getByText('This is no number').waitFor();
	point((await upper.inputValue()) === '500', 'what is no number is not taken');
	point(await page.getByText('default: 800', { exact: false }).isVisible(), 'what is not the default says what that is');
	await page.getByRole('button', { name: 'Back to the default: SYN flood: At most' }).click();
	await page.getByRole('button', { name: 'Back to the default: A workload without a policy' }).click();
	await changedTo(2);
	await saved();
	point((await upper.inputValue()) === '800' && (await absent.inputValue()) === 'drop' && (await page.getByText('default: 800').count()) === 0, 'and is it again', await upper.inputValue());
	await page.getByLabel('Find a setting').fill('fast path');
	point((await page.locator('section').count()) === 1 && (await page.getByLabel('Not before', { exact: true }).isVisible()), 'one is found by its words');
	await b.at('#/settings/agent');
	await page.getByLabel('Keep flows for', { exact: true }).fill('7');
	await page.getByLabel('Keep flows for', { exact: true }).press('Tab');
	await changedTo(1);
	await saved();
	point((await page.getByLabel('Keep flows for', { exact: true }).inputValue()) === '7', "the agent's, too");
	await b.at('#/settings/responses');
	await page.getByRole('button', { name: 'Add a response rule' }).click();
	await dialog.getByLabel('Tell the webhook').check();
	await dialog.getByPlaceholder('oncall').fill('night');
	await dialog.getByRole('button', { name: 'Save' }).click();
	await page.getByText('tell night').waitFor();
	point(true, 'a response rule is made');
	await b.at('#/settings/users');
	await page.getByRole('button', { name: 'Add a user' }).click();
	await dialog.getByLabel('Name').fill('dave');
	await dialog.getByLabel('Password').fill('short');
	point(await dialog.getByRole('button', { name: 'Add a user' }).isDisabled(), 'a short password makes no user');
	await dialog.getByLabel('Password').fill('long enough for it');
	await dialog.getByRole('button', { name: 'Add a user' }).click();
	await page.getByText('dave may log in').waitFor();
	point(true, 'a user is made');
	await b.at('#/settings/tokens');
	await page.getByRole('button', { name: 'Make a token' }).click();
	await dialog.getByLabel('What is it for').fill('backup');
	await dialog.getByRole('button', { name: 'Make it' }).click();
	await page.locator('.token').waitFor();
	await page.getByRole('dialog', { name: 'The token' }).getByRole('button', { name: 'Close' }).last().click();
	point((await page.locator('.token').count()) === 0, 'a token is shown once');
	await quiet(b);
}

/* A viewer changes nothing, an agent that is away is told of. */
/* What is told of a conversation that is in the list goes to its row. */
async function flows() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	const { page } = b;
	const flow = (more) => ({
		client: 'a', client_id: 'n:a', client_address: '10.0.0.1', server: 'b', server_id: 'n:b', server_address: '10.0.0.2', proto: 'tcp', port: 80,
		application: 'http', action: 'allow', rule: 7, first_seen: 86400 * 20000, last_seen: 86400 * 20000 + 50, sessions: 2, violations: 0, packets: 9, bytes: 1000, told_by: 'server', ...more,
	});
	await page.addInitScript(() => {
		globalThis.EventSource = class {
			heard = {};
			constructor() {
				globalThis.source = this;
			}
			addEventListener(topic, f) {
				this.heard[topic] = f;
			}
			close() {}
		};
	});
	await page.route('**/api/v1/flows?*', (r) => r.fulfill({ json: { flows: [flow({ port: 443, server: '', server_id: '', server_name: 'api.example.com' }), flow({})], next: 2 } }));
	await b.at('#/flows/recorded');
	const grid = page.getByRole('grid', { name: 'Recorded' });
	await grid.waitFor();
	await page.waitForFunction(() => globalThis.source?.heard.flows);
	const tell = (f) => page.evaluate((x) => globalThis.source.heard.flows({ data: JSON.stringify(x) }), f);
	const rows = async () => (await grid.getByRole('row').allInnerTexts()).slice(1).map((x) => x.replace(/\s+/g, ' '));
	await tell(flow({ sessions: 0, bytes: 223, last_seen: 86400 * 20000 + 90 }));
	await grid.getByText('1.2 kB').waitFor();
	point((await rows()).length === 2 && / 2 1\.2 kB/.test((await rows())[0]), 'what goes on is added up', (await rows()).join('\n'));
	await tell(flow({ action: 'deny', rule: 0, bytes: 5 }));
	await grid.getByText('5 B', { exact: true }).waitFor();
	await tell(flow({ bytes: 6, last_seen: 86400 * 20001 }));
	await grid.getByText('6 B', { exact: true }).waitFor();
	point((await grid.getByText('api.example.com').count()) === 1, 'who is outside is told by name', (await rows()).join('\n'));
	point((await rows()).length === 4, 'another verdict, or day, is a row of its own', (await rows()).join('\n'));
	await quiet(b);
}

async function troubles() {
	const none = await fixtures('--open', '--quiet');
	const m = await open(none.url);
	await m.page.route('**/api/v1/signatures', async (r) => r.fulfill({ json: { ...(await (await r.fetch()).json()), builtin_missing: '/usr/share/weir/rules' } }));
	await m.at('#/signatures');
	await m.page.getByText('/usr/share/weir/rules').waitFor();
	point(await m.page.getByText('The signatures that come with Weir cannot be read').isVisible(), 'signatures that should be there, and are not, are told of');
	await shot(m.page, 'signatures-missing-desktop-light');
	await quiet(m);

	const away = await fixtures('--open', '--quiet', '--away');
	const b = await open(away.url, { expected: ['503'] });
	for (const page of ['map', 'policy', 'policy/text', 'flows', 'flows/recorded', 'capture', 'signatures', 'settings', 'settings/responses']) {
		await b.at(`#/${page}`);
		await b.page.getByText('The agent does not answer').first().waitFor();
	}
	point(true, 'without an agent each page says so');
	await quiet(b);

	const host = await fixtures('--quiet');
	const v = await open(host.url, { expected: ['401'] });
	await v.at('#/policy');
	await v.page.getByLabel('User').fill('carol');
	await v.page.getByLabel('Password').fill('correct horse battery');
	await v.page.keyboard.press('Enter');
	await v.page.locator('[data-rule="10"]').waitFor();
	point(await v.page.getByRole('button', { name: 'Add a rule' }).isDisabled(), 'a viewer adds no rule');
	point((await v.page.getByRole('button', { name: /^(Move|Delete|Change|Disable) rule/ }).count()) === 0, 'nor moves or changes one');
	await v.at('#/capture');
	point(await v.page.getByRole('button', { name: 'Start a capture' }).first().isDisabled(), 'nor captures');
	await v.at('#/settings');
	await v.page.getByText('Only an admin may change these').waitFor();
	point(await v.page.getByLabel('A workload without a policy', { exact: true }).isDisabled(), 'nor changes settings');
	await quiet(v);
}

const only = process.argv.slice(2);
for (const [name, run] of Object.entries({ looks, map, history, many, fingers, policy, deeds, flows, troubles }))
	if (only.length === 0 || only.includes(name)) await part(name, run);
await close();
process.exit(finish());
