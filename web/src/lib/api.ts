/*
 * The one way to the host: JSON over fetch. Errors are problem details (RFC 9457) and
 * come as ApiError. Requests that change carry the session's CSRF word. Answers of
 * lists are kept with their ETag, so that an unchanged one costs no body.
 */
import type {
	Capture,
	Change,
	Compared,
	Container,
	Explained,
	Fault,
	FleetHere,
	FleetNode,
	FleetRead,
	Flow,
	Groups,
	LiveSession,
	MapAnswer,
	Mode,
	PolicyDiff,
	Proposal,
	ResponseFired,
	ResponseRule,
	Revision,
	Role,
	Rule,
	Session,
	Settings,
	SignatureFile,
	SignatureStatus,
	Status,
	Throughput,
	Token,
	Top,
	User,
	WeirEvent,
	Workload,
} from './types';

export class ApiError extends Error {
	constructor(
		readonly status: number, // 0: nobody answered
		readonly code: string,
		readonly title: string,
		detail: string,
		readonly at = '',
	) {
		super(detail || title);
		this.name = 'ApiError';
	}
}

const ROOT = '/api/v1';
const KEPT_MAX = 32; // answers; the oldest goes first

let csrf = '';
let lostSession = () => {};
const kept = new Map<string, { etag: string; body: unknown }>();

export function setCsrf(word: string) {
	csrf = word;
	kept.clear();
}

/* What to do when a request finds that the session has ended. */
export function onLostSession(f: () => void) {
	lostSession = f;
}

export type Args = Record<string, string | number | boolean | null | undefined>;

export function pathOf(path: string, args: Args = {}): string {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(args))
		if (v !== undefined && v !== null && v !== '' && v !== false) q.set(k, String(v));
	const search = q.toString();
	return ROOT + path + (search ? '?' + search : '');
}

export interface Answer<T> {
	body: T;
	etag: string;
}

async function problem(r: Response): Promise<ApiError> {
	const type = r.headers.get('content-type') ?? '';
	if (type.includes('json')) {
		const p = (await r.json().catch(() => ({}))) as Record<string, unknown>;
		return new ApiError(
			r.status,
			String(p.code ?? ''),
			String(p.title ?? r.statusText),
			String(p.detail ?? ''),
			String(p.at ?? ''),
		);
	}
	return new ApiError(r.status, '', r.statusText || `HTTP ${r.status}`, '');
}

interface Extra {
	args?: Args;
	body?: unknown; // JSON
	text?: string; // as it is
	ifMatch?: string | number;
	signal?: AbortSignal;
}

export async function ask<T>(method: string, path: string, x: Extra = {}): Promise<Answer<T>> {
	const url = pathOf(path, x.args);
	const headers: Record<string, string> = { accept: 'application/json' };
	const old = method === 'GET' ? kept.get(url) : undefined;
	let body: string | undefined;

	if (old) headers['if-none-match'] = old.etag;
	if (method !== 'GET' && csrf) headers['x-weir-csrf'] = csrf;
	if (x.ifMatch !== undefined) headers['if-match'] = `"${x.ifMatch}"`;
	if (x.text !== undefined) {
		headers['content-type'] = 'text/plain; charset=utf-8';
		body = x.text;
	} else if (x.body !== undefined) {
		headers['content-type'] = 'application/json';
		body = JSON.stringify(x.body);
	}

	let r: Response;
	try {
		r = await fetch(url, {
			method,
			headers,
			body: body ?? null,
			signal: x.signal ?? null,
			credentials: 'same-origin',
			cache: 'no-store',
		});
	} catch (e) {
		if (e instanceof DOMException && e.name === 'AbortError') throw e;
		throw new ApiError(0, 'AWAY', 'weir-api does not answer', '');
	}
	if (r.status === 304 && old) return { body: old.body as T, etag: old.etag };
	if (!r.ok) {
		const e = await problem(r);
		if (r.status === 401 && path !== '/session') lostSession();
		throw e;
	}
	const etag = r.headers.get('etag') ?? '';
	const json = r.status === 204 ? {} : await r.json().catch(() => ({}));
	if (method === 'GET' && etag) {
		kept.delete(url);
		kept.set(url, { etag, body: json });
		if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
	}
	return { body: json as T, etag };
}

async function get<T>(path: string, args?: Args, signal?: AbortSignal): Promise<T> {
	return (await ask<T>('GET', path, { args, signal })).body;
}

async function send<T>(method: string, path: string, body?: unknown, args?: Args): Promise<T> {
	return (await ask<T>(method, path, { body: body ?? (method === 'DELETE' ? undefined : {}), args })).body;
}

const e = encodeURIComponent;

/* Pages go on with `next`; whoever wants all of a list gets it page by page. */
async function all<T>(path: string, member: string, args: Args = {}): Promise<T[]> {
	const list: T[] = [];
	let after: string | number | undefined;
	for (let page = 0; page < 100; page++) {
		const a = await get<Record<string, unknown>>(path, { limit: 1000, ...args, after });
		list.push(...((a[member] as T[]) ?? []));
		const next = a.next as string | number | undefined | null;
		if (next === undefined || next === null || next === after || next === '') break;
		after = next;
	}
	return list;
}

/* Of the newest: `before`, if there may be older ones, is for the next page of them. */
interface Older {
	next?: number;
	before?: number;
	fleet?: FleetRead; /* of all nodes of a fleet; the newest are first then */
}

export const api = {
	get,
	send,
	ask,
	all,

	session: () => get<Session>('/session'),
	login: (user: string, password: string) => send<Session>('POST', '/session', { user, password }),
	logout: () => send<unknown>('DELETE', '/session'),
	setup: (token: string, user: string, password: string) =>
		send<Session>('POST', '/setup', { token, user, password }),
	password: (old: string, next: string) =>
		send<unknown>('POST', '/session/password', { old, new: next }),

	status: () => get<Status>('/status'),
	top: () => get<Top>('/top'),
	throughput: (since?: number) => get<Throughput>('/throughput', { since }),

	workloads: () => all<Workload>('/workloads', 'workloads'),
	workload: (id: string) =>
		get<{ workload: Workload; containers: Container[] }>(`/workloads/${e(id)}`),
	divert: (id: string) => send<unknown>('POST', `/workloads/${e(id)}/divert`),
	release: (id: string) => send<unknown>('POST', `/workloads/${e(id)}/release`),
	quarantine: (id: string, why: string) =>
		send<unknown>('POST', `/workloads/${e(id)}/quarantine`, { why }),
	unquarantine: (id: string) => send<unknown>('DELETE', `/workloads/${e(id)}/quarantine`),

	groups: () => get<Groups>('/groups'),
	groupPut: (name: string, group: Record<string, unknown>) =>
		send<Change>('PUT', `/groups/${e(name)}`, group),
	groupPatch: (name: string, part: Record<string, unknown>) =>
		send<Change>('PATCH', `/groups/${e(name)}`, part),
	groupDelete: (name: string) => send<Change>('DELETE', `/groups/${e(name)}`),
	mode: (group: string, mode: Mode) => send<Change>('PUT', `/groups/${e(group)}/mode`, { mode }),
	/* group: '': the default mode */
	modePreview: (group: string, mode: Mode, since: number, signal: AbortSignal) =>
		get<Compared>(group ? `/groups/${e(group)}/mode/preview` : '/mode/preview', { mode, since }, signal),
	defaultMode: (mode: Mode) => send<Change>('PUT', '/mode', { mode }),

	rules: () => all<Rule>('/rules', 'rules'),
	ruleAdd: (rule: Rule, after?: number) =>
		send<Change & { rule: number }>('POST', '/rules', { rule, after }),
	ruleDelete: (id: number) => send<Change>('DELETE', `/rules/${id}`),

	learned: (withRejected = false) => all<Proposal>('/learned', 'proposals', { all: withRejected }),
	learnedCount: async () => (await get<{ total: number }>('/learned', { limit: 1 })).total,
	accept: (ids: string[]) =>
		send<Change & { rules: number[] }>('POST', '/learned/accept', { ids }),
	reject: (ids: string[], undo = false) =>
		send<{ rejected: number }>('POST', '/learned/reject', { ids, undo }),

	events: (args: Args = {}) => get<{ events: WeirEvent[] } & Older>('/events', args),
	event: (number: number) => get<{ events: WeirEvent[] }>(`/events/${number}`),
	flows: (args: Args = {}) => get<{ flows: Flow[] } & Older>('/flows', args),

	fleet: () => get<{ fleet: FleetHere; nodes: FleetNode[] }>('/fleet'),
	fleetForget: (node: string) => send<unknown>('DELETE', `/fleet/nodes/${e(node)}`),

	map: (args: Args = {}, signal?: AbortSignal) => get<MapAnswer>('/map', args, signal),
	explain: (args: Args) => get<Explained>('/explain', args),

	policy: () => get<{ text: string; revision: number }>('/policy'),
	policyDiff: (text: string) =>
		send<{ diff: PolicyDiff; empty_groups?: string[] }>('POST', '/policy/diff', { text }),
	/* revision: that which was compared; 412 if it is not the last any more */
	policyPut: async (text: string, revision: number) =>
		(await ask<Change>('PUT', '/policy', { body: { text }, ifMatch: revision })).body,
	policyHistory: () => get<{ revisions: Revision[] }>('/policy/history'),
	rollback: (to: number) => send<Change>('POST', '/policy/rollback', { to }),

	sessions: (args: Args = {}) =>
		get<{ page: { sessions: LiveSession[]; next: number | null } }>('/sessions', args),
	/* The host ends so many with one request. */
	sessionKill: async (ids: number[]) => {
		const sum = { killed: 0, watched: 0, unknown: 0 };
		for (let i = 0; i < ids.length; i += 64) {
			const a = await send<Partial<typeof sum>>('DELETE', '/sessions', { ids: ids.slice(i, i + 64) });
			for (const k of ['killed', 'watched', 'unknown'] as const) sum[k] += a[k] ?? 0;
		}
		return sum;
	},

	captures: () => get<{ captures: Capture[] }>('/captures'),
	captureStart: (body: { workload: string; seconds: number; bytes: number; filter?: string }) =>
		send<{ id: number | string }>('POST', '/captures', body),
	captureStop: (id: string | number) => send<unknown>('POST', `/captures/${e(String(id))}/stop`),
	captureDelete: (id: string | number) => send<unknown>('DELETE', `/captures/${e(String(id))}`),
	captureFile: (id: string | number) => pathOf(`/captures/${e(String(id))}/file`),

	signatures: () => get<SignatureStatus>('/signatures'),
	signatureFiles: () =>
		get<{ files: { name: string; text: string }[]; variables?: Record<string, string> }>('/signatures/files'),
	signaturePut: async (name: string, text: string, strict: boolean) =>
		(
			await ask<{ rules: number; refused: number; faults: Fault[]; files: SignatureFile[] }>(
				'PUT', `/signatures/files/${e(name)}`, { text, args: { strict } },
			)
		).body,
	signatureDelete: (name: string) => send<unknown>('DELETE', `/signatures/files/${e(name)}`),

	settings: () => get<{ settings: Settings; defaults?: Settings; set?: Settings }>('/settings'),
	settingsPatch: (part: Settings) => send<{ settings?: Settings }>('PATCH', '/settings', part),
	responses: () => get<{ responses: ResponseRule[] }>('/responses'),
	responsePut: (r: ResponseRule) => send<Change>('PUT', `/responses/${r.id}`, r),
	responseDelete: (id: number) => send<Change>('DELETE', `/responses/${id}`),
	responsesLog: () => get<{ log: ResponseFired[]; next?: number }>('/responses/log', { limit: 200 }),

	users: () => get<{ users: User[] }>('/users'),
	userAdd: (user: string, password: string, role: Role) =>
		send<unknown>('POST', '/users', { user, password, role }),
	userPatch: (user: string, part: { role?: Role; password?: string }) =>
		send<unknown>('PATCH', `/users/${e(user)}`, part),
	userDelete: (user: string) => send<unknown>('DELETE', `/users/${e(user)}`),
	tokens: () => get<{ tokens: Token[] }>('/tokens'),
	tokenAdd: (body: { name: string; role: Role; days?: number }) =>
		send<Token & { token: string }>('POST', '/tokens', body),
	tokenDelete: (id: string | number) => send<unknown>('DELETE', `/tokens/${e(String(id))}`),
};

export function may(role: Role | undefined, needs: Role): boolean {
	const order: Role[] = ['viewer', 'operator', 'admin'];
	return role !== undefined && order.indexOf(role) >= order.indexOf(needs);
}
