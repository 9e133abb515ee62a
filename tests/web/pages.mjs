import { axe, close, cutOff, finish, fixtures, open, overflow, part, point, settled, shot } from './lib.mjs';

const PAGES = [
	['overview'], ['map'], ['workloads'], ['groups'], ['policy'], ['learned'], ['events'],
	['flows'], ['capture'], ['signatures'], ['settings'],
	// with something open
	['workloads/shop-web-1', 'workload'], ['groups/web.shop', 'group'], ['events?kind=signature', 'findings'],
];

/* --- each page, as it looks ------------------------------------------------------------ */

async function looks() {
	const host = await fixtures('--open', '--quiet');
	for (const size of ['desktop', 'phone'])
		for (const scheme of ['light', 'dark']) {
			const b = await open(host.url, { size, scheme });
			for (const [hash, name = hash] of PAGES)
				await part(`${name}, ${size}, ${scheme}`, async () => {
					await b.at(`#/${hash}`);
					await shot(b.page, `${name}-${size}-${scheme}`);
					// colours are the same at each size: once in the dark is enough
					if (size === 'desktop' || scheme === 'light') {
						const found = await axe(b.page);
						point(found === '', `${name}, ${size}, ${scheme}: axe finds nothing serious`, found);
					}
					const wide = await overflow(b.page);
					point(wide === '', `${name}, ${size}, ${scheme}: nothing overflows`, wide);
					if (scheme === 'light') {
						const cut = await cutOff(b.page);
						point(cut === '', `${name}, ${size}: no badge, switch or button is cut off`, cut);
					}
				});
			point(b.complaints.length === 0, `${size}, ${scheme}: the browser has no complaint`, b.complaints.join('\n'));
			point(b.strangers.length === 0, `${size}, ${scheme}: no request leaves the host`, b.strangers.join('\n'));
			await b.context.close();
		}
}

/* --- getting in --------------------------------------------------------------------------- */

async function gettingIn() {
	const host = await fixtures('--quiet');
	const b = await open(host.url, { expected: ['401', '403'] });
	const { page } = b;
	await b.at('#/workloads');
	point(await page.getByRole('heading', { name: 'Log in' }).isVisible(), 'whoever is not logged in is asked to');
	point((await axe(page)) === '', 'login: axe finds nothing serious');
	await shot(page, 'login');
	await page.getByLabel('User').fill('alice');
	await page.getByLabel('Password').fill('wrong');
	await page.getByRole('button', { name: 'Log in' }).click();
	await page.getByRole('alert').waitFor();
	point(/No such user, or another password/.test(await page.getByRole('alert').innerText()), 'a wrong password is told');
	await page.getByLabel('Password').fill('correct horse battery');
	await page.keyboard.press('Enter');
	await page.getByRole('grid', { name: 'Workloads' }).waitFor();
	point(page.url().endsWith('#/workloads'), 'who is in is where he wanted to go');
	await page.getByRole('button', { name: 'Log out' }).click();
	await page.getByRole('heading', { name: 'Log in' }).waitFor();
	point(true, 'and out again');

	await b.at('#/setup?token=first');
	await shot(page, 'setup');
	point((await axe(page)) === '', 'setup: axe finds nothing serious');
	const make = async (password, again) => {
		await page.getByLabel('Password', { exact: true }).fill(password);
		await page.getByLabel('The same password again').fill(again);
		await page.getByRole('button', { name: 'Make the user' }).click();
	};
	await make('short', 'short');
	point(/shorter/.test(await page.getByRole('alert').innerText()), 'a short password is refused');
	await make('a long password', 'another password');
	point(/not the same/.test(await page.getByRole('alert').innerText()), 'and one typed two ways');
	await make('a long password', 'a long password');
	await page.getByRole('heading', { name: /guarded/ }).waitFor();
	point(!page.url().includes('token'), 'the first user is in, and the token is in no address any more');
	await page.getByRole('button', { name: 'Log out' }).click();
	await page.getByRole('heading', { name: 'Log in' }).waitFor();
	await b.at('#/setup?token=first');
	await make('a long password', 'a long password');
	await page.getByText('This link was used already').waitFor();
	point(true, 'a link is good once');
	await b.at('#/setup');
	point(await page.getByText('lacks its token').isVisible(), 'one without a token says so');
	point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
}

/* --- tables ---------------------------------------------------------------------------------- */

async function tables() {
	const host = await fixtures('--open', '--quiet', '--workloads', '1000');
	const b = await open(host.url);
	const { page } = b;
	await b.at('#/workloads');
	const grid = page.getByRole('grid', { name: 'Workloads' });
	const rows = grid.locator('.rows [role=row]');
	point((await grid.getAttribute('aria-rowcount')) === '1001', 'a thousand workloads are in the table');
	point((await rows.count()) < 100, 'those in sight are in the document', await rows.count());
	await rows.first().focus();
	await page.keyboard.press('End');
	await page.locator('[role=row][aria-rowindex="1001"]:focus').waitFor();
	point(true, 'End goes to the last row');
	await page.keyboard.press('ArrowUp');
	await page.locator('[role=row][aria-rowindex="1000"]:focus').waitFor();
	await page.keyboard.press('Enter');
	await page.locator('aside').waitFor();
	point(true, 'Enter opens what is known of it');
	await page.keyboard.press('Escape');
	await page.locator('aside').waitFor({ state: 'detached' });
	point((await page.evaluate(() => document.activeElement?.getAttribute('role'))) === 'row', 'Escape closes it, and the focus is back on the row');

	const filter = page.getByRole('combobox', { name: 'Filter' });
	await filter.fill('mode:pro');
	await page.getByRole('option', { name: 'Mode: protect' }).waitFor();
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('Enter');
	await page.locator('.chip', { hasText: 'protect' }).waitFor();
	await filter.fill('shop web');
	await page.locator('[role=grid][aria-rowcount="4"]').waitFor();
	point(page.url().includes('mode=protect') && page.url().includes('q=shop'), 'filters are in the address', page.url());
	await page.reload();
	await settled(page);
	await page.locator('[role=grid][aria-rowcount="4"]').waitFor();
	point(true, 'and hold after a reload');
	await filter.fill('nobody is called so');
	await page.getByText('Nothing matches').waitFor();
	await page.getByRole('button', { name: 'Clear the filters' }).click();
	await page.locator('[role=grid][aria-rowcount="1001"]').waitFor();
	point(true, 'what matches nothing says so, and is undone');
	await page.getByTitle('Sort by Name', { exact: true }).click();
	await page.locator('[role=columnheader][aria-sort=descending]').waitFor();
	const top = grid.locator('[role=row][aria-rowindex="2"] [role=gridcell]').first();
	await top.filter({ hasText: 'team-16-service' }).waitFor();
	point(/^team-16-service/.test(await top.innerText()), 'sorted the other way', await top.innerText());
	point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
}

/* --- what one does ------------------------------------------------------------------------------ */

async function deeds() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	const { page } = b;

	await b.at('#/workloads/shop-cart-1');
	await page.getByRole('button', { name: 'Cut off' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('Why').fill('looks strange');
	await dialog.getByRole('button', { name: 'Cut off' }).click();
	await page.getByText('Cut off: looks strange').waitFor();
	point(true, 'a workload is cut off, with a reason');
	await page.getByRole('button', { name: 'Let it speak again' }).click();
	await page.getByText('Cut off: looks strange').waitFor({ state: 'detached' });
	point(true, 'and let speak again');

	await b.at('#/groups');
	const row = page.getByRole('row').filter({ hasText: 'kafka.queue' });
	await row.getByRole('button', { name: 'protect' }).click();
	await dialog.getByText('would have been blocked').waitFor();
	point(/connections of/.test(await dialog.innerText()), 'a switch of mode begins with what would have been blocked');
	await shot(page, 'mode-preview-desktop-light');
	point((await axe(page)) === '', 'its dialog: axe finds nothing serious', await axe(page));
	await dialog.getByRole('button', { name: 'Allow' }).first().click();
	await dialog.getByRole('button', { name: 'Staged' }).waitFor();
	point((await page.locator('nav .count').innerText()) === '1', 'a rule for it is staged beside');
	await dialog.getByRole('button', { name: 'Cancel' }).click();
	point((await row.getByRole('button', { name: 'monitor' }).getAttribute('aria-pressed')) === 'true', 'cancelled, nothing is switched');
	await row.getByRole('button', { name: 'protect' }).click();
	await dialog.getByRole('button', { name: 'Switch to protect' }).click();
	await row.locator('[aria-pressed=true]', { hasText: 'protect' }).waitFor();
	point(true, 'and else it is');
	await page.getByRole('button', { name: 'New group' }).click();
	await dialog.getByLabel('Name').fill('edge');
	await dialog.getByRole('button', { name: 'Add a term' }).click();
	await dialog.getByLabel('Key', { exact: true }).fill('label.tier');
	await dialog.getByLabel('Value', { exact: true }).fill('edge');
	await dialog.getByRole('button', { name: 'Save' }).click();
	await page.getByRole('row').filter({ hasText: 'label.tier = edge' }).waitFor();
	point(true, 'a group is made');
	await b.at('#/groups/edge');
	await page.getByRole('button', { name: 'Delete' }).click();
	await dialog.getByRole('button', { name: 'Delete' }).click();
	await page.getByRole('row').filter({ hasText: 'label.tier = edge' }).waitFor({ state: 'detached' });
	point(true, 'and deleted');

	await b.at('#/learned');
	const proposals = page.getByRole('grid', { name: 'Learned' });
	const many = Number(await proposals.getAttribute('aria-rowcount'));
	const has = (n) => page.locator(`[role=grid][aria-rowcount="${n}"]`).waitFor();
	await page.getByRole('button', { name: 'Accept' }).first().click();
	await has(many - 1);
	await page.getByRole('button', { name: 'Undo' }).last().click();
	await page.getByText('Taken back.').waitFor();
	point(true, 'a proposal is accepted, and that undone');
	await b.at('#/overview');
	await b.at('#/learned');
	await proposals.getByRole('checkbox', { name: 'Select all' }).check();
	const all = Number(await proposals.getAttribute('aria-rowcount')) - 1;
	await page.getByRole('button', { name: `Reject ${all}` }).click();
	await page.getByText('Nothing is proposed').waitFor();
	await page.getByRole('tab', { name: /Rejected/ }).click();
	await has(all + 1);
	await page.getByRole('button', { name: 'Propose again' }).first().click();
	await has(all);
	point(true, 'all are rejected at once, and one proposed again');

	await b.at('#/overview');
	const block = page.locator('.blocks li').filter({ hasText: 'no rule allows it' }).first();
	await block.getByRole('button', { name: /^Make a rule that allows this/ }).click();
	await page.getByText('A rule is staged').waitFor();
	point(await block.getByRole('link', { name: 'Staged' }).isVisible() && (await page.locator('nav .count').innerText()) === '2', 'a rule for what was blocked is one click on the overview');
	await page.evaluate(() => sessionStorage.setItem('weir.staged', JSON.stringify(JSON.parse(sessionStorage.getItem('weir.staged')).slice(0, 1))));
	await page.reload();
	await settled(page);
	await page.locator('.blocks li').filter({ hasText: 'no rule allows it' }).first().getByRole('link').first().click();
	await page.getByText(/was in mode protect, and no rule allowed this/).waitFor();
	point(await page.getByRole('button', { name: 'Make a rule of this' }).isVisible(), 'and why it was blocked is another');
	await b.at('#/overview');
	await page.getByRole('link', { name: /Log4Shell/ }).click();
	await page.locator('mark', { hasText: 'jndi' }).waitFor();
	point(true, 'from the overview to the evidence of what was blocked is one click');
	await page.getByRole('button', { name: 'Show the bytes' }).click();
	await page.locator('.hex .marked').first().waitFor();
	const marked = (await page.locator('.hex .text .marked').allInnerTexts()).join('');
	point(marked.startsWith('${jndi:ldap'), 'and the bytes as they came, with the match marked', marked);
	await shot(page, 'evidence-desktop-light');
	point((await axe(page)) === '', 'the event: axe finds nothing serious', await axe(page));

	await b.at('#/events?kind=change');
	const changes = await page.getByRole('grid', { name: 'Events' }).innerText();
	point(/root, on the host/.test(changes) && /alice/.test(changes) && !/uid/.test(changes), 'who made a change is told in words', changes);
	await b.at('#/events?done=blocked&kind=violation&q=backup');
	await page.getByRole('row').filter({ hasText: 'shop-db-1' }).first().click();
	await page.getByText('was in mode protect, and no rule allowed this').waitFor();
	point(true, 'a block says which mode and which rule did it');
	await page.getByRole('button', { name: 'Make a rule of this' }).click();
	await page.getByText('A rule is staged').waitFor();
	point((await page.locator('nav .count').innerText()) === '2', 'a rule is made of it, staged');
	/* what was done before may be said still */
	await page.getByLabel('ops-backup-1 → shop-db-1').getByRole('button', { name: 'Undo' }).click();
	await page.getByRole('button', { name: 'Make a rule of this' }).waitFor();
	point((await page.locator('nav .count').innerText()) === '1', 'and taken back');
	point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
}

/* Of more events than a page has: all of them, each once, and those that are looked for. */
async function events() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	const { page } = b;
	const now = Math.floor(Date.now() / 1000);
	const all = Array.from({ length: 1234 }, (_, i) => ({
		number: i + 1, at: now - (1234 - i) * 60, kind: i % 2 ? 'state' : 'change', severity: i === 6 ? 'critical' : 'info', workload: '',
		text: i === 6 ? 'the needle was found in hay' : i % 100 === 0 ? `hay number ${i}` : `number ${i}`, ...(i % 2 ? { part: 'store' } : { who: 'uid 998', by: i === 20 ? 'Zoe' : 'alice' }),
	}));
	let asked = [];
	let late; // answers of older pages wait for it
	await page.route('**/api/v1/events?*', async (r) => {
		const q = Object.fromEntries(new URL(r.request().url()).searchParams);
		asked.push(q);
		if (q.before) await late;
		const fits = all.filter((e) => (!q.kind || e.kind === q.kind) && (!q.since || e.at >= q.since) && (!q.q || JSON.stringify(Object.values(e)).toLowerCase().includes(q.q.toLowerCase())));
		const upTo = fits.filter((e) => !q.before || e.number < q.before);
		const some = upTo.slice(-q.limit);
		await r.fulfill({ json: { events: some, next: some.at(-1)?.number ?? 0, ...(upTo.length > some.length ? { before: some[0].number } : {}) } }).catch(() => {});
	});
	const grid = page.getByRole('grid', { name: 'Events' });
	const rows = (n) => page.locator(`[role=grid][aria-label=Events][aria-rowcount="${n + 1}"]`).waitFor();
	const older = page.getByRole('button', { name: 'Show older ones' });
	const row = (n) => grid.locator(`[aria-rowindex="${n + 1}"]`);
	await b.at('#/events');
	await rows(500);
	point(/number 1233/.test(await row(1).innerText()), 'events begin with the newest', await row(1).innerText());
	await older.click();
	await rows(1000);
	await older.click();
	await rows(1234);
	point((await older.count()) === 0, 'older ones come page by page, to the first');
	const found = new Set();
	await row(1).focus();
	for (let i = 0; i < 200 && found.size < 1234; i++) {
		for (const n of await grid.locator('[role=row][data-at]').evaluateAll((l) => l.map((e) => e.querySelector('a').getAttribute('href')))) found.add(n);
		await page.keyboard.press('PageDown');
	}
	point(found.size === 1234, 'each once', found.size);

	const field = page.getByRole('combobox', { name: 'Filter' });
	asked = [];
	await field.fill('found needle');
	await rows(1);
	point(/the needle was found/.test(await row(1).innerText()) && asked.at(-1).q === 'needle', 'words are looked for by the host, also where no page was loaded', JSON.stringify(asked.at(-1)));
	await field.fill('zoe');
	await rows(1);
	point(/Zoe/.test(await row(1).innerText()), 'and who did it is found', await row(1).innerText());
	await field.fill('hay');
	await rows(14);
	point((await older.count()) === 0, 'all that have them', await grid.getAttribute('aria-rowcount'));
	await field.fill('nothing like it');
	await page.getByText('Nothing matches these filters.').waitFor();
	point(true, 'or that there are none');

	// an answer that comes when something else is shown already
	await b.at('#/events?kind=state');
	await rows(500);
	let go;
	late = new Promise((done) => (go = done));
	const came = page.waitForResponse((r) => r.url().includes('before='));
	await older.click();
	await b.at('#/events?kind=change');
	await rows(500);
	await page.waitForFunction(() => document.querySelector('[role=grid]').innerText.includes('alice'));
	go();
	await came;
	await older.and(page.locator(':enabled')).waitFor();
	point((await grid.getAttribute('aria-rowcount')) === '501', 'older ones of another filter are not mixed in', await grid.getAttribute('aria-rowcount'));
	await older.click();
	await rows(617);
	point((await older.count()) === 0, 'and its own follow');
	point(b.complaints.length === 0, 'no complaint on the way', b.complaints.join('\n'));
}

/* What comes later is drawn, too. */
async function chart() {
	const host = await fixtures('--open', '--quiet');
	const b = await open(host.url);
	let times = 1;
	await b.page.route('**/throughput*', async (r) => {
		const answer = await r.fetch({ headers: { ...r.request().headers(), 'if-none-match': '' } });
		const body = await answer.json();
		for (const p of body.points) p.bytes *= times;
		times *= 3;
		await r.fulfill({ response: answer, json: body });
	});
	await b.at('#/overview');
	await b.page.locator('.chart canvas').waitFor();
	const drawn = () => document.querySelector('.chart canvas').toDataURL();
	const first = await b.page.evaluate(drawn);
	await b.page.waitForFunction((was) => document.querySelector('.chart canvas').toDataURL() !== was, first);
	point(true, 'the chart is drawn anew when there is more');

	// of a host that has just begun: one point, of nothing
	const o = await open(host.url);
	await o.page.addInitScript(() => {
		globalThis.said = [];
		const put = CanvasRenderingContext2D.prototype.fillText;
		CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
			if (text) globalThis.said.push(text);
			return put.call(this, text, ...more);
		};
	});
	const now = Math.floor(Date.now() / 10_000) * 10;
	await o.page.route('**/throughput*', (r) =>
		r.fulfill({ json: { step: 10, points: [{ at: now, bytes: 0, frames: 0, dropped: 0, sessions: 0, new_sessions: 0, violations: 0, threats: 0 }] } }),
	);
	await o.at('#/overview');
	await o.page.locator('.chart canvas').waitFor();
	await o.page.waitForFunction(() => globalThis.said.length > 1);
	const said = await o.page.evaluate(() => globalThis.said);
	point(new Set(said).size === said.length && said.every((x) => /bit\/s$|:[0-5]\d$/.test(x)) && !said.includes('00:00'), 'its axes say nothing twice', said.join(' '));
}

/* --- when things are not well ----------------------------------------------------------------------- */

async function troubles() {
	const away = await fixtures('--open', '--quiet', '--away');
	const b = await open(away.url, { expected: ['503'] });
	for (const page of ['overview', 'workloads', 'groups', 'learned', 'events']) {
		await b.at(`#/${page}`);
		await b.page.getByText('The agent does not answer').waitFor();
	}
	point(true, 'without an agent each page says so');
	await shot(b.page, 'agent-away');
	point((await axe(b.page)) === '', 'an error: axe finds nothing serious', await axe(b.page));

	const host = await fixtures('--quiet');
	const v = await open(host.url, { expected: ['401', 'ERR_'] });
	await v.at('#/');
	await v.page.getByLabel('User').fill('carol');
	await v.page.getByLabel('Password').fill('correct horse battery');
	await v.page.keyboard.press('Enter');
	await v.page.getByRole('heading', { name: /guarded/ }).waitFor();
	await v.at('#/workloads/shop-web-1');
	point(await v.page.getByRole('button', { name: 'Cut off' }).isDisabled(), 'a viewer may not cut off');
	await v.at('#/nowhere');
	point(await v.page.getByText('There is no such page').isVisible(), 'a page that is none says so');
	await v.at('#/overview');
	await v.page.locator('nav .signal.up').waitFor();
	host.stop();
	await v.page.locator('nav .signal.up').waitFor({ state: 'detached' });
	point(true, 'a host that went away is noticed');

	const script = await fixtures('--open', '--quiet');
	const x = await open(script.url, { expected: ['Content Security Policy', 'Refused'] });
	await x.at('#/overview');
	const ran = await x.page.evaluate(() => {
		const s = document.createElement('script');
		s.textContent = 'globalThis.inlineRan = true';
		document.head.append(s);
		return globalThis.inlineRan === true;
	});
	point(!ran, 'an inline script does not run');
}

// All parts, or those that are named.
const only = process.argv.slice(2);
for (const [name, run] of Object.entries({ looks, gettingIn, tables, deeds, events, chart, troubles }))
	if (only.length === 0 || only.includes(name)) await part(name, run);
await close();
process.exit(finish());
