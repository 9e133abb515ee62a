#!/usr/bin/env node
/*
 * The REST contract, answered from fixtures: for building pages, and for tests of them
 * that need neither root nor a host with workloads. It keeps what is changed until it
 * ends, and serves the built pages under the same policies as weir-api.
 *
 *   server.mjs [--port 8788] [--web DIR] [--workloads N] [--open] [--quiet] [--away]
 *              [--fleet editor|node|alone|cut-off]
 *
 * --open: nobody has to log in (else: alice, bob or carol, "correct horse battery";
 * admin, operator, viewer; or the token "first" at #/setup). --quiet: nothing happens
 * by itself. --away: the agent does not answer (503). --fleet: the host is of one, as an
 * editor, or none; in which there is nobody else; cut off from it.
 */
import { createReadStream, existsSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseDocument } from 'yaml';
import { makeFleet } from './fixtures/fleet.mjs';
import { defaults } from './fixtures/settings.mjs';
import { makeWorld } from './fixtures/world.mjs';
import { makeMap } from './fixtures/map.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
	options: {
		port: { type: 'string', default: '8788' },
		web: { type: 'string', default: path.join(here, '../../build/web') },
		workloads: { type: 'string', default: '0' },
		open: { type: 'boolean', default: false },
		quiet: { type: 'boolean', default: false },
		away: { type: 'boolean', default: false },
		fleet: { type: 'string', default: '' },
	},
});

const world = makeWorld({ workloads: Number(options.workloads) });
const fleet = options.fleet ? makeFleet(world, options.fleet) : undefined;
const seconds = () => Math.floor(Date.now() / 1000);
const started = seconds();
const PASSWORD = 'correct horse battery';
const users = new Map([
	['alice', { user: 'alice', role: 'admin', made: started - 86400 * 40, password: PASSWORD }],
	['bob', { user: 'bob', role: 'operator', made: started - 86400 * 12, password: PASSWORD }],
	['carol', { user: 'carol', role: 'viewer', made: started - 86400 * 3, password: PASSWORD }],
]);
const tokens = [{ id: 1, name: 'grafana', role: 'viewer', user: 'alice', made: started - 86400 * 8, ends: 0 }];
const sessions = new Map();
const open = options.open ? { user: 'alice', role: 'admin', csrf: 'open' } : null;
let setupToken = 'first';

const state = {
	revision: 12,
	rejected: new Map(), // key -> proposal
	revisions: [
		{ name: 'intent', revision: 9, saved: started - 86400 * 5, bytes: 3120 },
		{ name: 'intent', revision: 10, saved: started - 86400 * 2, bytes: 3240, what: 'rule 10003 was deleted', who: 'uid 0' },
		{ name: 'intent', revision: 11, saved: started - 2900, bytes: 4180, what: 'a policy was applied: 9 rules added, 1 removed, 2 groups changed', who: 'uid 998', by: 'alice' },
		{ name: 'intent', revision: 12, saved: started - 2600, bytes: 4196, what: '1 learned rule was accepted', who: 'weir-agent' },
	],
	kept: new Map(), // revision -> what is rolled back to
	captures: [
		{ id: 2, workload: world.workloads[0].id, started: started - 5400, ended: started - 5340, state: 'done', frames: 18230, bytes: 9442120, lost: 0, filter: 'tcp port 8080' },
		{ id: 1, workload: world.workloads[3].id, started: started - 90000, ended: started - 89990, state: 'failed', why: 'the workload ended', frames: 12, bytes: 1840, lost: 0, filter: '' },
	],
	files: [
		{ name: 'builtin.rules', bytes: 61200, builtin: true, text: '# Weir\'s own\nalert http any any -> any any (msg:"Log4Shell: JNDI lookup in a request"; http.uri; content:"${jndi:"; nocase; classtype:attempted-admin; sid:4100001; rev:2;)\n' },
		{ name: 'local.rules', bytes: 412, text: 'drop http any any -> any any (msg:"Admin page from outside"; http.uri; content:"/admin"; startswith; sid:1000001; rev:1;)\n' },
	],
	responses: [
		{ id: 1, event: 'signature', group: 'web.shop', conditions: [{ field: 'severity', op: '>=', value: 'high' }], actions: [{ capture: { seconds: 60 } }, { webhook: 'oncall' }], comment: 'somebody tries', fired: 4, last_fired: started - 214 },
		{ id: 2, event: 'violation', conditions: [{ field: 'count', op: '>=', value: 20 }], actions: [{ quarantine: { for: 3600 } }], comment: '', fired: 1, last_fired: started - 1500 },
		{ id: 3, event: 'state', conditions: [], actions: [{ webhook: 'oncall' }], disabled: true, fired: 0 },
	],
	fired: [
		{ number: 470, at: started - 1500, kind: 'response', response: 2, event: 'violation', done: ['quarantine'], workload: 'queue-worker-4', text: 'response 2, violation: quarantine' },
		{ number: 480, at: started - 214, kind: 'response', response: 1, event: 'signature', done: ['capture', 'webhook'], workload: 'shop-web-1', text: 'response 1, signature: capture, webhook' },
	],
	set: { data_plane: { meters: { 'syn-flood': { upper: 500, lower: 300 } }, tunnels: { look: ['vxlan', 'geneve'] } } },
	candidate: null,
};

/* --- helpers -------------------------------------------------------------------- */

class Problem extends Error {
	constructor(status, code, detail, at = '') {
		super(detail);
		Object.assign(this, { status, code, at });
	}
}

const bad = (at, text) => new Problem(400, 'EINVAL', text, at);
const none = (at, text) => new Problem(404, 'ENOENT', text, at);

/* A new revision, told as an event. */
function change(what, more = {}) {
	state.kept.set(state.revision, structuredClone({ rules: world.rules, groups: world.groups, default_mode: world.default_mode }));
	state.revision++;
	state.revisions.push({ name: 'intent', revision: state.revision, saved: seconds(), bytes: JSON.stringify(world.rules).length, what, who: 'uid 998', by: 'alice' });
	event('change', 'info', what, { who: 'uid 998', by: 'alice' });
	return { revision: state.revision, in_force: true, ...more };
}

function event(kind, severity, text, more = {}) {
	const e = { number: world.events.length + 1, at: seconds(), kind, severity, workload: '', text, ...more };
	world.events.push(e);
	tell('events', e);
	return e;
}

function workload(id) {
	const w = world.workloads.find((x) => x.id === id || x.name === id);
	if (!w) throw none('workload', `no workload "${id}"; weir ls shows all`);
	return w;
}

function group(name) {
	const g = world.groups.find((x) => x.name === name);
	if (!g) throw none('group', `no group "${name}"`);
	return g;
}

function setMode(g, mode) {
	if (!['discover', 'monitor', 'protect'].includes(mode)) throw bad('mode', `expected discover, monitor or protect, got "${mode}"`);
	g.mode = mode;
	for (const w of world.workloads)
		if (w.groups.includes(g.name)) {
			w.mode = mode;
			if (w.state !== 'quarantined') w.ports[0].doing = mode === 'protect' ? 'inline' : 'tap';
			const t = world.top.find((x) => x.id === w.id);
			if (t) t.mode = mode;
		}
}

/* What the group's learned talks would come to in that mode. */
function compare(name, mode) {
	const rows = [];
	let sessions = 0;
	for (const t of world.talks) {
		if (t[0] !== name && t[1] !== name) continue;
		const n = t[4] * 17;
		sessions += n;
		const covered = world.rules.find((r) => !r.disabled && r.from.includes(t[0]) && r.to.includes(t[1]));
		const is = covered ? covered.action : mode === 'protect' ? 'deny' : mode === 'monitor' ? 'alert' : 'learn';
		const was = t[6] ? 'allow' : t[5];
		if (is === was || (covered && was === covered.action)) continue;
		const ids = world.workloads.filter((w) => w.groups.includes(t[0])).map((w) => w.id);
		rows.push({
			was, is, rule: covered?.id ?? 0, side: t[1] === name ? 'server' : 'client', from: t[0], to: t[1], port: t[2], app: t[3],
			sessions: n, first_seen: started - 86400 * 3, last_seen: started - 20 * t[4], workloads: ids.slice(0, 4),
			...(ids.length > 4 ? { more_workloads: ids.length - 4 } : {}),
		});
	}
	return {
		compared: { sessions: sessions + 900, differ: rows.reduce((a, r) => a + r.sessions, 0), rows },
		conversations: world.talks.length * 31, cut: false,
	};
}

function policyText() {
	const y = (v) => (typeof v === 'string' && /^[\w.\-/]+$/.test(v) ? v : JSON.stringify(v));
	const flow = (o) => `{${Object.entries(o).map(([k, v]) => `${k}: ${Array.isArray(v) ? `[${v.map((x) => (typeof x === 'object' ? flow(x) : y(x))).join(', ')}]` : v && typeof v === 'object' ? flow(v) : y(v)}`).join(', ')}}`;
	const lines = ['apiVersion: weir/v1', 'kind: Policy', `default_mode: ${world.default_mode}`, '', 'groups:'];
	for (const { members, learned, ...g } of world.groups) if (!learned || g.mode) lines.push(`- ${flow(g)}`);
	lines.push('', 'rules:');
	for (const { hits, last_hit, ...r } of world.rules) lines.push(`- ${flow(r)}`);
	return lines.join('\n') + '\n';
}

/* Groups stay as they are: the fixtures change only rules by their text. */
function readPolicy(text) {
	const doc = parseDocument(text);
	if (doc.errors.length) {
		const { line, col } = doc.errors[0].linePos?.[0] ?? { line: 1, col: 1 };
		throw bad(`policy:${line}:${col}`, doc.errors[0].message.split(' at line')[0]);
	}
	const rules = (doc.toJS()?.rules ?? []).map((r, i) => {
		if (!['allow', 'deny', 'reject', 'alert', 'learn'].includes(r.action)) throw bad(`rules[${i}].action`, `expected allow, deny, reject or alert, got "${r.action}"`);
		for (const k of ['from', 'to', 'ports', 'applications']) if (r[k] !== undefined) r[k] = [].concat(r[k]);
		if (!r.from?.length || !r.to?.length) throw bad(`rules[${i}]`, 'a rule needs from and to');
		return r;
	});
	const twice = rules.find((r, i) => r.id !== undefined && rules.findIndex((x) => x.id === r.id) !== i);
	if (twice) throw bad('rules', `the id ${twice.id} is there twice`);
	return { rules };
}

function diffRules(to) {
	const plain = ({ hits, last_hit, ...r }) => JSON.stringify(Object.entries(r).sort());
	const old = new Map(world.rules.map((r) => [r.id, r]));
	const now = new Map(to.map((r) => [r.id, r]));
	const rules = {};
	const added = to.filter((r) => !old.has(r.id));
	const removed = world.rules.filter((r) => !now.has(r.id));
	const changed = to.filter((r) => old.has(r.id) && plain(old.get(r.id)) !== plain(r)).map((r) => ({ from: old.get(r.id), to: r }));
	const order = world.rules.filter((r) => now.has(r.id)).map((r) => r.id);
	const next = to.filter((r) => old.has(r.id)).map((r) => r.id);
	const moved = next.filter((id, i) => order[i] !== id).map((id) => ({ id, after: next[next.indexOf(id) - 1] ?? 0 }));
	if (added.length) rules.added = added;
	if (removed.length) rules.removed = removed;
	if (changed.length) rules.changed = changed;
	if (moved.length) rules.moved = moved;
	return Object.keys(rules).length ? { rules } : {};
}

function addRule(rule, after = -1) {
	if (!rule || typeof rule !== 'object') throw bad('rule', 'expected a rule');
	const r = { ...rule, from: [].concat(rule.from ?? []), to: [].concat(rule.to ?? []) };
	if (!r.from.length || !r.to.length) throw bad('rule', 'a rule needs from and to');
	r.id ??= Math.max(0, ...world.rules.map((x) => x.id).filter((id) => (r.origin === 'learned' ? id >= 10000 : id < 10000))) + 1;
	if (r.origin === 'learned' && r.id < 10000) r.id = 10000;
	if (world.rules.some((x) => x.id === r.id)) throw new Problem(409, 'EEXIST', `there is a rule ${r.id}`, 'rule.id');
	const at = after === 0 ? 0 : after < 0 || after === undefined ? world.rules.length : world.rules.findIndex((x) => x.id === after) + 1;
	world.rules.splice(at, 0, r);
	return r.id;
}

/* --- routes -------------------------------------------------------------------- */

const routes = [];
const on = (method, pattern, role, answer) =>
	routes.push({ method, role, answer, match: new RegExp(`^/api/v1${pattern.replace(/\{\w+\}/g, '([^/]+)')}$`) });

on('GET', '/status', 'viewer', () => ({
	version: '0.1.0', pid: process.pid, node: 'host-1', started: started - 86400 * 3, releasing: false,
	counts: { workloads: world.workloads.length, containers: world.workloads.length + 9, ports: world.workloads.length, diverted: world.workloads.length, failed: 0, unclaimed: 0, refused: 0 },
	data_plane: { up: true, since: started - 86000, starts: 2, version: { version: '0.1.0', pid: 69 } },
	policy: { revision: state.revision, compiled: state.revision, version: 1796005257230, in_force: true },
	detection: {
		signatures: { state: 'in force', version: 3, signatures: 154, rules: 154, refused: 0, left_out: 0, files: state.files.length },
		sensors: { state: 'in force', version: 4, sensors: 5, left_out: 0, workloads: 6 },
	},
	runtimes: [
		{ kind: 'docker', path: '/run/docker.sock', up: true, since: started - 86400 * 3, text: '', unreadable: null },
		{ kind: 'containerd', path: '/run/containerd/containerd.sock', up: true, since: started - 880, text: '', unreadable: null },
		{ kind: 'netns', path: '/run/netns', up: true, since: started - 86400 * 3, text: '', unreadable: null },
	],
	...(fleet ? { fleet: fleet.here } : {}),
	records: {
		waiting: 0, lost_flows: 0, lost_events: 0, missed: 0, last_event: world.events.length, state: '',
		store: { flows: 1000000, events: world.events.length, workloads: world.workloads.length, revisions: 12, bytes_on_disk: 337848000, bytes_used: 300000000, write_failures: 0, damaged: 0 },
	},
}));
on('GET', '/top', 'viewer', () => ({ workloads: world.top, clock_us: Math.round(performance.now() * 1000), at: seconds(), took_us: 236, last_event: world.events.length }));
on('GET', '/throughput', 'viewer', ({ query }) => ({ step: 10, points: world.points.filter((p) => p.at >= Number(query.since ?? 0)) }));

on('GET', '/workloads', 'viewer', ({ query }) => {
	let list = world.workloads.filter(
		(w) =>
			(!query.q || JSON.stringify(w).toLowerCase().includes(query.q.toLowerCase())) &&
			(!query.group || w.groups.includes(query.group)) &&
			(!query.namespace || w.about.namespace === query.namespace) &&
			(!query.state || w.state === query.state) &&
			(!query.mode || w.mode === query.mode),
	);
	const from = query.after ? list.findIndex((w) => w.id === query.after) + 1 : 0;
	const limit = Number(query.limit ?? 1000);
	const page = list.slice(from, from + limit);
	return { workloads: page, ...(from + limit < list.length ? { next: page.at(-1).id } : {}) };
});
on('GET', '/workloads/{w}', 'viewer', ({ at }) => {
	const w = workload(at[0]);
	return { workload: w, containers: [{ id: w.id.split(':')[1].repeat(5).slice(0, 64), pid: 4211, about: w.about }] };
});
on('POST', '/workloads/{w}/divert', 'operator', ({ at }) => ((workload(at[0]).state = 'guarded'), {}));
on('POST', '/workloads/{w}/release', 'operator', ({ at }) => ((workload(at[0]).state = 'released'), {}));
on('POST', '/workloads/{w}/quarantine', 'operator', ({ at, body }) => {
	const w = workload(at[0]);
	w.state = 'quarantined';
	w.quarantined = body.why || 'by hand';
	w.ports[0].doing = 'quarantine';
	event('change', 'info', `${w.name} is quarantined`, { who: 'uid 998', by: 'alice' });
	return {};
});
on('DELETE', '/workloads/{w}/quarantine', 'operator', ({ at }) => {
	const w = workload(at[0]);
	w.state = 'guarded';
	delete w.quarantined;
	w.ports[0].doing = w.mode === 'protect' ? 'inline' : 'tap';
	event('change', 'info', `${w.name} is quarantined no more`, { who: 'uid 998', by: 'alice' });
	return {};
});

on('GET', '/groups', 'viewer', () => ({ groups: world.groups, default_mode: world.default_mode, sensors: world.sensors }));
const putGroup = ({ at, body, method }) => {
	const name = at[0];
	const old = world.groups.find((g) => g.name === name);
	if (body.mode) setMode(old ?? { name }, body.mode);
	const members = old?.members ?? [];
	const next = method === 'PATCH' ? { ...old, ...body, name, members } : { ...body, name, members };
	for (const [k, v] of Object.entries(next)) if (v === null) delete next[k];
	delete next.learned;
	if (old) Object.assign(old, next);
	else world.groups.push(next);
	return change(`group ${name} is changed`);
};
on('PUT', '/groups/{g}', 'operator', putGroup);
on('PATCH', '/groups/{g}', 'operator', putGroup);
on('DELETE', '/groups/{g}', 'operator', ({ at }) => {
	const g = group(at[0]);
	const user = world.rules.find((r) => r.from.includes(g.name) || r.to.includes(g.name));
	if (user && g.where) throw new Problem(409, 'EBUSY', `rule ${user.id} speaks of ${g.name}`, 'group');
	world.groups.splice(world.groups.indexOf(g), 1);
	return change(`group ${g.name} was deleted`);
});
on('PUT', '/groups/{g}/mode', 'operator', ({ at, body }) => {
	const g = group(at[0]);
	setMode(g, body.mode);
	return change(`mode of ${g.name} is ${body.mode}`, g.members.length === 0 ? { nobody_in: g.name } : {});
});
on('GET', '/groups/{g}/mode/preview', 'viewer', ({ at, query }) => compare(group(at[0]).name, query.mode));
on('PUT', '/mode', 'operator', ({ body }) => {
	world.default_mode = body.mode;
	return change(`the default mode is ${body.mode}`);
});

on('GET', '/rules', 'viewer', () => ({ rules: world.rules, default_mode: world.default_mode }));
on('POST', '/rules', 'operator', ({ body }) => {
	const id = addRule(body.rule, body.after);
	return change(`rule ${id} is added`, { rule: id });
});
on('DELETE', '/rules/{id}', 'operator', ({ at }) => {
	const i = world.rules.findIndex((r) => r.id === Number(at[0]));
	if (i < 0) throw none('rule', `no rule ${at[0]}`);
	world.rules.splice(i, 1);
	return change(`rule ${at[0]} is deleted`);
});
on('GET', '/policy', 'viewer', () => ({ text: policyText(), revision: state.revision, etag: state.revision }));
on('POST', '/policy/diff', 'viewer', ({ body }) => ({ diff: diffRules(readPolicy(body.text ?? '').rules), empty_groups: [] }));
on('PUT', '/policy', 'operator', ({ body, headers }) => {
	const match = /^"?(\d+)"?$/.exec(headers['if-match'] ?? '');
	if (match && Number(match[1]) !== state.revision) throw new Problem(412, 'ESTALE', `the policy is at revision ${state.revision} by now`, 'revision');
	const { rules } = readPolicy(body.text ?? '');
	const diff = diffRules(rules);
	const hits = new Map(world.rules.map((r) => [r.id, r]));
	const answer = change('a policy was applied', { diff, empty_groups: [] });
	world.rules = rules.map((r) => ({ ...r, id: r.id ?? 1 + Math.max(0, ...rules.map((x) => x.id ?? 0).filter((id) => id < 10000)), hits: hits.get(r.id)?.hits, last_hit: hits.get(r.id)?.last_hit }));
	return answer;
});
on('GET', '/policy/history', 'viewer', () => ({ revisions: state.revisions }));
on('POST', '/policy/rollback', 'operator', ({ body }) => {
	const kept = state.kept.get(Number(body.to));
	const answer = change(`the policy is revision ${body.to} again`);
	if (kept) Object.assign(world, structuredClone(kept));
	return answer;
});

on('GET', '/learned', 'viewer', ({ query }) => {
	const all = [...world.proposals, ...(query.all ? [...state.rejected.values()].map((p) => ({ ...p, rejected: true })) : [])];
	const from = query.after ? all.findIndex((p) => p.id === query.after) + 1 : 0;
	const to = from + Math.min(Number(query.limit ?? 1000), 4); // so few that pages are gone through
	return { proposals: all.slice(from, to), total: all.length, ...(to < all.length ? { next: all[to - 1].id } : {}) };
});
on('POST', '/learned/accept', 'operator', ({ body }) => {
	const chosen = world.proposals.filter((p) => body.all || body.ids?.includes(p.id));
	if (!chosen.length) throw none('ids', 'no such proposal');
	world.proposals = world.proposals.filter((p) => !chosen.includes(p));
	const answer = change('learned rules were accepted');
	const rules = chosen.map((p) => addRule(p.rule));
	return { ...answer, rules };
});
on('POST', '/learned/reject', 'operator', ({ body }) => {
	const from = body.undo ? [...state.rejected.values()] : world.proposals;
	const chosen = from.filter((p) => body.all || body.ids?.includes(p.id));
	if (!chosen.length) throw none('ids', 'no such proposal');
	for (const p of chosen)
		if (body.undo) state.rejected.delete(p.key);
		else state.rejected.set(p.key, p);
	world.proposals = body.undo ? [...world.proposals, ...chosen] : world.proposals.filter((p) => !chosen.includes(p));
	return { rejected: chosen.length };
});
on('GET', '/candidate', 'viewer', () => (state.candidate ? { text: state.candidate, diff: {}, ...compare('db.shop', 'protect'), untold: 0 } : {}));
on('PUT', '/candidate', 'operator', ({ body }) => ((state.candidate = body.text), {}));
on('DELETE', '/candidate', 'operator', () => ((state.candidate = null), {}));

function page(list, query, keep) {
	const limit = Math.min(Number(query.limit ?? 100), 1000);
	const fits = list.filter(
		(x) =>
			keep(x) &&
			(!query.workload || x.workload === query.workload || x.client_id === query.workload || x.server_id === query.workload) &&
			(!query.since || (x.at ?? x.last_seen) >= Number(query.since)) &&
			(!query.until || (x.at ?? x.last_seen) < Number(query.until)) &&
			(!query.rule || x.rule === Number(query.rule)) &&
			(!query.q || JSON.stringify({ ...x, raw: '', what: `${x.proto}/${x.port}` }).toLowerCase().includes(query.q.toLowerCase())),
	);
	const next = (some) => some.at(-1)?.number ?? Number(query.after ?? 0);
	if (query.after !== undefined) {
		const some = fits.filter((x) => x.number > Number(query.after)).slice(0, limit);
		return { some, next: next(some) };
	}
	const upTo = query.before ? fits.filter((x) => x.number < Number(query.before)) : fits;
	const some = upTo.slice(-limit);
	return { some, next: next(some), ...(upTo.length > limit ? { before: some[0].number } : {}) };
}
on('GET', '/flows', 'viewer', ({ query }) => {
	if (query.fleet) return ofFleet(fleet?.flows, 'flows', query, (f) => (!query.violations || f.violations > 0) && (!query.workload || [f.client, f.server].includes(query.workload)));
	const { some, ...where } = page(world.flows, query, (f) => !query.violations || f.violations > 0);
	return { flows: some, ...where };
});
/* The newest first, in pages; those who may. */
function ofFleet(list, member, query, fits) {
	if (!list) throw bad('fleet', 'this host is of no fleet');
	if (!fleet.here.up) throw new Problem(503, 'ENOTCONN', `this node is cut off from the fleet: ${fleet.here.text}`);
	if (options.fleet === 'node') throw new Problem(403, 'EACCES', 'this node may not read what others recorded; editors may', 'fleet');
	const found = list.filter((x) => fits(x) && (!query.node || x.node === query.node) && (!query.q || JSON.stringify(x).toLowerCase().includes(query.q.toLowerCase())));
	const from = Number(query.before ?? 0);
	const to = from + Number(query.limit ?? 100);
	return {
		[member]: found.slice(from, to),
		more: to < found.length,
		...(to < found.length ? { before: to } : {}),
		fleet: { messages: 2000, bytes: 9_000_000, damaged: from ? 1 : 0, oldest: started - 86400, cut: to < found.length },
	};
}
on('GET', '/fleet', 'viewer', () => {
	if (!fleet) throw none('', 'this host is of no fleet: the configuration has no cluster.servers');
	return { fleet: fleet.here, nodes: fleet.nodes };
});
on('DELETE', '/fleet/nodes/{node}', 'admin', ({ at }) => {
	if (!fleet?.here.up) throw new Problem(503, 'ENOTCONN', `this node is cut off from the fleet: ${fleet?.here.text}`);
	if (options.fleet === 'node') throw new Problem(403, 'EACCES', 'this node may not forget others');
	fleet.nodes = fleet.nodes.filter((n) => n.node !== at[0]);
	return {};
});

on('GET', '/events', 'viewer', ({ query }) => {
	if (query.fleet) return ofFleet(fleet?.events, 'events', query, (e) => !query.kind || e.kind === query.kind);
	const { some, ...where } = page(world.events, query, (e) => !query.kind || e.kind === query.kind);
	return { events: some.map(({ raw, raw_offset, ...e }) => e), ...where };
});
on('GET', '/events/{n}', 'operator', ({ at }) => {
	const e = world.events[Number(at[0]) - 1];
	if (!e) throw none('raw', `there is no event ${at[0]}`);
	return { events: [e] };
});
const killed = new Set();
on('GET', '/sessions', 'viewer', ({ query }) => ({
	page: {
		sessions: world.flows.slice(-300).filter((f) => f.action !== 'deny').map((f) => ({
			id: 9000 + f.number, workload: world.workloads.find((w) => w.id === (f.server_id || f.client_id))?.ports[0].mac ?? '', proto: f.proto, direction: f.server_id ? 'ingress' : 'egress',
			client: f.client_address, client_port: 33000 + (f.number % 20000), client_name: f.client, server: f.server_address, server_port: f.port, server_name: f.server,
			client_packets: f.packets >> 1, server_packets: f.packets >> 1, client_bytes: f.bytes >> 3, server_bytes: f.bytes, client_state: 'established', server_state: 'established',
			application_name: f.application, action: f.action === 'alert' ? 'violate' : f.action, rule: f.rule, reason: f.rule ? 'rule' : 'default', age_s: seconds() - f.first_seen, idle_s: f.number % 9, blocked: false, flags: [],
			of: f.server_id || f.client_id, other: f.server_id && f.client_id,
		})).flatMap(({ other, ...s }) => (other ? [s, { ...s, id: s.id + 100000, direction: 'egress', of: other }] : [s])).filter((s) => (!query.workload || s.of === query.workload) && !killed.has(s.id)).map(({ of, ...s }) => s),
		next: null,
	},
}));
on('DELETE', '/sessions', 'operator', ({ body }) => {
	for (const id of body.ids ?? []) killed.add(Number(id));
	return { killed: body.ids?.length ?? 0, unknown: 0 };
});
on('GET', '/explain', 'viewer', ({ query }) => {
	const find = (word) => world.workloads.find((w) => w.name === word || w.id === word || w.addresses.includes(word));
	const endOf = (word) => {
		const w = find(word);
		if (!w && !/^[\d.:a-f]+$/.test(word ?? '')) throw none('from', `no workload "${word}"`);
		return { address: w?.addresses[0] ?? word, workload: w?.id ?? '', name: w?.name ?? word, mode: w?.mode ?? '' };
	};
	const from = endOf(query.from);
	const to = endOf(query.to);
	const groups = (word) => ['any', ...(find(word)?.groups ?? ['external']), ...(find(word) ? ['workloads'] : [])];
	const port = `${query.proto ?? 'tcp'}/${query.port ?? ''}`;
	const rule = world.rules.find((r) => !r.disabled && r.from.some((g) => groups(query.from).includes(g)) && r.to.some((g) => groups(query.to).includes(g)) && (!r.ports?.length || r.ports.includes(port)));
	const answer = (end, direction) => {
		const action = rule?.action ?? { discover: 'learn', monitor: 'violate', protect: 'deny' }[end.mode];
		return {
			workload: end.workload, direction, decided_by: rule ? 'rule' : 'default', rule: rule?.id ?? 0, action, reason: rule ? 'rule' : 'default',
			text: rule ? `rule ${rule.id}` : 'no rule matched: the default action', passes: !['deny', 'reject'].includes(action), tapped: end.mode !== 'protect', rejected: action === 'reject', grace_minutes: 0,
		};
	};
	const answers = [];
	if (from.workload) answers.push(answer(from, 'egress'));
	if (to.workload) answers.push(answer(to, 'ingress'));
	return { from, to, explained: { version: 8, answers, more: 0 } };
});
on('GET', '/map', 'viewer', ({ query }) => makeMap(world, query));

on('GET', '/captures', 'viewer', () => ({ captures: state.captures }));
on('POST', '/captures', 'operator', ({ body }) => {
	const w = workload(body.workload);
	if (!(body.seconds >= 1 && body.seconds <= 3600)) throw bad('seconds', 'expected 1 to 3600');
	const c = { id: state.captures.length + 1, workload: w.id, started: seconds(), state: 'running', frames: 0, bytes: 0, lost: 0, filter: body.filter ?? '', seconds: body.seconds };
	state.captures.unshift(c);
	return { id: c.id };
});
const capture = (id) => {
	const c = state.captures.find((x) => String(x.id) === id);
	if (!c) throw none('id', `no capture ${id}`);
	return c;
};
on('POST', '/captures/{id}/stop', 'operator', ({ at }) => (Object.assign(capture(at[0]), { state: 'done', ended: seconds() }), {}));
on('DELETE', '/captures/{id}', 'operator', ({ at }) => (state.captures.splice(state.captures.indexOf(capture(at[0])), 1), {}));
on('GET', '/captures/{id}/file', 'operator', ({ at }) => {
	capture(at[0]);
	return Buffer.from('0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000', 'hex');
});

const signatures = () => ({ state: 'in force', version: 3, signatures: 154, rules: 154, refused: 0, left_out: 0, files: state.files.length, faults: [] });
on('GET', '/signatures', 'viewer', () => ({
	files: state.files.map(({ text, ...f }) => f), variables: { HOME_NET: '[172.20.0.0/16]', HTTP_PORTS: '[80,8080]' },
	signatures: signatures(), sensors: { state: 'in force', version: 4, sensors: 5, left_out: 0, workloads: 6 },
}));
on('GET', '/signatures/files', 'viewer', () => ({ files: state.files.map(({ name, text }) => ({ name, text })), variables: { HOME_NET: '[172.20.0.0/16]' } }));
on('PUT', '/signatures/files/{name}', 'operator', ({ at, text }) => {
	const faults = [];
	text.split('\n').forEach((line, i) => {
		if (line.trim() && !line.startsWith('#') && !/\bsid:\s*\d+/.test(line)) faults.push({ file: at[0], line: i + 1, column: 1, keyword: 'sid', text: 'a rule needs a sid' });
	});
	const old = state.files.find((f) => f.name === at[0]);
	const next = { name: at[0], bytes: text.length, text };
	if (old) Object.assign(old, next);
	else state.files.push(next);
	return { rules: text.split('\n').filter((l) => /\bsid:/.test(l)).length, refused: faults.length, faults, files: state.files.map(({ text: _, ...f }) => f), version: 4 };
});
on('DELETE', '/signatures/files/{name}', 'operator', ({ at }) => {
	const f = state.files.find((x) => x.name === at[0]);
	if (!f) throw none('name', `no file "${at[0]}"`);
	state.files.splice(state.files.indexOf(f), 1);
	return { files: state.files.map(({ text, ...x }) => x), version: 5 };
});
on('GET', '/responses', 'viewer', () => ({ responses: state.responses }));
on('PUT', '/responses/{id}', 'operator', ({ at, body }) => {
	const r = { ...(body.response ?? body), id: Number(at[0]) };
	delete r.after;
	const old = state.responses.find((x) => x.id === r.id);
	if (old) Object.assign(old, r);
	else state.responses.push({ fired: 0, ...r });
	return change(`response rule ${r.id} was set`);
});
on('DELETE', '/responses/{id}', 'operator', ({ at }) => {
	state.responses = state.responses.filter((r) => r.id !== Number(at[0]));
	return change(`response rule ${at[0]} was deleted`);
});
on('GET', '/responses/log', 'viewer', () => ({ log: state.fired, next: state.fired.length }));
/* null takes away */
const merge = (a, b) => {
	for (const [k, v] of Object.entries(b))
		if (v === null) delete a[k];
		else if (typeof v === 'object' && !Array.isArray(v)) merge((a[k] ??= {}), v);
		else a[k] = v;
	return a;
};
const settings = () => ({ settings: merge(structuredClone(defaults), state.set), set: state.set, defaults });
on('GET', '/settings', 'viewer', settings);
on('PATCH', '/settings', 'admin', ({ body }) => (merge(state.set, body), settings()));

const bare = ({ password, ...u }) => u;
on('GET', '/users', 'admin', () => ({ users: [...users.values()].map(bare) }));
on('POST', '/users', 'admin', ({ body }) => {
	if (users.has(body.user)) throw new Problem(409, 'EEXIST', `there is a user "${body.user}"`, 'user');
	users.set(body.user, { user: body.user, role: body.role ?? 'viewer', made: seconds(), password: body.password });
	return bare(users.get(body.user));
});
on('PATCH', '/users/{u}', 'admin', ({ at, body }) => {
	if (!users.has(at[0])) throw none('user', `no user "${at[0]}"`);
	Object.assign(users.get(at[0]), body);
	return bare(users.get(at[0]));
});
on('DELETE', '/users/{u}', 'admin', ({ at }) => (users.delete(at[0]), {}));
on('GET', '/tokens', 'viewer', () => ({ tokens }));
on('POST', '/tokens', 'operator', ({ body, who }) => {
	const token = { id: 1 + Math.max(0, ...tokens.map((x) => x.id)), name: body.name, role: body.role ?? 'viewer', user: who.user, made: seconds(), ends: body.days ? seconds() + 86400 * body.days : 0 };
	tokens.push(token);
	return { ...token, token: 'weir_8fK2mQ0vT7cXb1nR4sLz9wEy' };
});
on('DELETE', '/tokens/{id}', 'viewer', ({ at }) => {
	const i = tokens.findIndex((x) => String(x.id) === at[0]);
	if (i < 0) throw none('id', `no token ${at[0]}`);
	tokens.splice(i, 1);
	return {};
});
on('GET', '/session', '', ({ who }) => {
	if (!who) throw new Problem(401, 'EPERM', 'nobody is logged in');
	return who;
});
function enter(user, reply) {
	const id = crypto.randomUUID();
	const session = { user: user.user, role: user.role, csrf: crypto.randomUUID() };
	sessions.set(id, session);
	reply.setHeader('set-cookie', `weir_session=${id}; HttpOnly; SameSite=Strict; Path=/`);
	return session;
}
on('POST', '/session', '', ({ body, reply }) => {
	const u = users.get(body.user);
	if (!u || u.password !== body.password) throw new Problem(401, 'EPERM', 'no such user, or another password');
	return enter(u, reply);
});
on('DELETE', '/session', 'viewer', ({ id }) => (sessions.delete(id), {}));
on('POST', '/session/password', 'viewer', ({ who, body }) => {
	const u = users.get(who.user);
	if (u.password !== body.old) throw new Problem(403, 'EPERM', 'the old password is another', 'old');
	u.password = body.new;
	return {};
});
on('POST', '/setup', '', ({ body, reply }) => {
	if (body.token !== setupToken) throw new Problem(403, 'EPERM', 'this link was used, or is too old', 'token');
	setupToken = null;
	const u = { user: body.user, role: 'admin', made: seconds(), password: body.password };
	users.set(u.user, u);
	return enter(u, reply);
});

/* --- live ------------------------------------------------------------------------ */

const streams = new Set();

function tell(topic, data) {
	for (const s of streams) if (s.topics.has(topic)) s.reply.write(`event: ${topic}\ndata: ${JSON.stringify(data)}\n\n`);
}

function stream(query, reply) {
	reply.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
	reply.write(': welcome\n\n');
	const s = { topics: new Set((query.topics ?? '').split(',')), reply };
	streams.add(s);
	reply.on('close', () => streams.delete(s));
}

function happen() {
	const at = seconds();
	for (const t of world.top) {
		t.bytes_in += Math.round(t.rate * (0.5 + world.rnd()));
		t.bytes_out += Math.round(t.rate * (0.5 + world.rnd()));
	}
	for (let i = 0; i < 3; i++) {
		const f = { ...world.makeFlow(at), number: world.flows.length + 1 };
		world.flows.push(f);
		tell('flows', f);
		if (f.violations > 0) {
			const e = { ...world.violation(f), number: world.events.length + 1 };
			world.events.push(e);
			tell('events', e);
		}
	}
	tell('map', makeMap(world, { after: String(at - 3) }));
	tell('top', { workloads: world.top, clock_us: Math.round(performance.now() * 1000), at });
	const last = world.points.at(-1);
	if (at - last.at >= 10) world.points.push({ ...world.points.at(-36), at: last.at + 10 });
}
if (!options.quiet) setInterval(happen, 2000);
setInterval(() => streams.forEach((s) => s.reply.write(': beat\n\n')), 15_000);

/* --- http ------------------------------------------------------------------------ */

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
const HEADERS = {
	'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	'x-content-type-options': 'nosniff',
	'referrer-policy': 'no-referrer',
	'cross-origin-opener-policy': 'same-origin',
};
const ROLES = ['viewer', 'operator', 'admin'];

function file(pathname, reply) {
	const name = path.join(path.resolve(options.web), pathname === '/' ? 'index.html' : decodeURIComponent(pathname));
	if (!name.startsWith(path.resolve(options.web)) || !existsSync(name) || !statSync(name).isFile()) {
		reply.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
		return;
	}
	reply.writeHead(200, { 'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream' });
	createReadStream(name).pipe(reply);
}

async function bodyOf(request) {
	const parts = [];
	for await (const part of request) parts.push(part);
	return Buffer.concat(parts).toString();
}

function sessionOf(request) {
	const id = /(?:^|;\s*)weir_session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
	return { id, who: open ?? sessions.get(id) };
}

async function api(request, reply, url) {
	const query = Object.fromEntries(url.searchParams);
	const route = routes.find((r) => r.method === request.method && r.match.test(url.pathname));
	const { id, who } = sessionOf(request);
	if (url.pathname !== '/api/v1/stream' && !route) throw none('', 'there is no such route');
	if ((route?.role ?? 'viewer') !== '') {
		if (!who) throw new Problem(401, 'EPERM', 'log in first');
		if (ROLES.indexOf(who.role) < ROLES.indexOf(route?.role ?? 'viewer')) throw new Problem(403, 'EACCES', `needs the role ${route.role}`);
		if (request.method !== 'GET' && request.headers['x-weir-csrf'] !== who.csrf) throw new Problem(403, 'EPERM', 'the CSRF word is missing or another', 'X-Weir-CSRF');
	}
	if (options.away && route?.role !== '') throw new Problem(503, 'EAGAIN', 'the agent does not answer');
	if (url.pathname === '/api/v1/stream') return stream(query, reply);
	const text = request.method === 'GET' ? '' : await bodyOf(request);
	let body = {};
	if (text && (request.headers['content-type'] ?? '').includes('json'))
		try {
			body = JSON.parse(text);
		} catch {
			throw bad('', 'this is no JSON');
		}
	const at = route.match.exec(url.pathname).slice(1).map(decodeURIComponent);
	const answer = route.answer({ query, body, text, at, who, id, reply, headers: request.headers, method: request.method });
	if (Buffer.isBuffer(answer)) {
		reply.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer);
		return;
	}
	const { etag, ...rest } = answer;
	reply.writeHead(200, { 'content-type': 'application/json', ...(etag ? { etag: `"${etag}"` } : {}) }).end(JSON.stringify(rest));
}

const server = http.createServer(async (request, reply) => {
	const url = new URL(request.url, 'http://mock');
	for (const [k, v] of Object.entries(HEADERS)) reply.setHeader(k, v);
	if (!url.pathname.startsWith('/api/')) return file(url.pathname, reply);
	try {
		await api(request, reply, url);
	} catch (e) {
		if (!(e instanceof Problem)) console.error(e);
		const status = e.status ?? 500;
		reply.writeHead(status, { 'content-type': 'application/problem+json' });
		reply.end(JSON.stringify({ type: 'about:blank', title: http.STATUS_CODES[status], status, detail: e.message, code: e.code ?? '', at: e.at ?? '' }));
	}
});
server.listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
