/* What an event says, for a line in a list. */
import { t } from './strings';
import type { WeirEvent } from './types';

const STOPS = new Set(['deny', 'drop', 'reset', 'reject', 'block']);

/* Whether traffic was stopped, not only told of. */
export function isBlocked(e: WeirEvent): boolean {
	if (e.flags?.includes('tap') || e.text.includes('would be blocked')) return false;
	return e.kind !== 'state' && e.kind !== 'change' && STOPS.has(e.action ?? '');
}

/* Whether it would have been, in mode protect. */
export function wouldBlock(e: WeirEvent): boolean {
	return STOPS.has(e.action ?? '') && !isBlocked(e);
}

export interface EventEnds {
	from: string;
	to: string;
	port: string;
}

export function endsOf(e: WeirEvent): EventEnds | undefined {
	const from = e.client || e.client_address || e.from;
	const to = e.server || e.server_address || e.to;
	if (!from && !to) return undefined;
	const port = e.port ?? e.server_port ?? e.to_port;
	return {
		from: from ?? '',
		to: to ?? '',
		port: e.proto ? (port ? `${e.proto}/${port}` : e.proto) : port ? String(port) : '',
	};
}

/* Why: of a violation what the agent says behind its colon, else what was found. */
export function reasonOf(e: WeirEvent): string {
	if (e.kind === 'violation') {
		const at = e.text.lastIndexOf(': ');
		return at >= 0 ? e.text.slice(at + 2) : e.text;
	}
	return e.name || e.text;
}

/* Who made a change: a user of the UI, or an account of the host. */
export function byOf(e: { by?: string | null; who?: string | null }): string {
	if (e.by) return e.by;
	const uid = /^uid (\d+)$/.exec(e.who ?? '')?.[1];
	if (uid === undefined) return e.who ?? '';
	return uid === '0' ? t.events.root : t.events.account(uid);
}

/* As it is said, with an arrow that looks like one. */
export function textOf(e: WeirEvent): string {
	return e.text.replaceAll(' -> ', ' → ');
}
