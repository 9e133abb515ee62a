/*
 * A connection between two workloads that are guarded is told of at each of them: as one
 * row, which the end that stands in the way speaks for, rather than one that only watches.
 */
import type { LiveSession } from './types';

export interface Connection extends LiveSession {
	ids: number[]; // of its sessions
}

const keyOf = (x: LiveSession) => [x.proto, x.client, x.client_port, x.server, x.server_port].join(' ');

/* Lower speaks for both. */
const rank = (x: LiveSession) => (x.flags?.includes('tap') ? 2 : 0) + (x.direction === 'ingress' ? 0 : 1);

export function connections(sessions: readonly LiveSession[]): Connection[] {
	const all = new Map<string, Connection>();
	for (const x of sessions) {
		const other = all.get(keyOf(x));
		const ids = [...(other?.ids ?? []), x.id];
		all.set(keyOf(x), { ...(other && rank(other) <= rank(x) ? other : x), ids });
	}
	return [...all.values()];
}

export interface Ended {
	killed: number;
	watched: number;
	unknown: number;
}

/* What came of their sessions, as of so many connections: each in its best. */
export function endedOf(many: number, sum: Ended): Ended {
	const killed = Math.min(sum.killed, many);
	const watched = Math.min(sum.watched, many - killed);
	return { killed, watched, unknown: Math.min(sum.unknown, many - killed - watched) };
}
