/*
 * The map: what the host tells (nodes, edges, later only what changed), and what is
 * drawn of it. A node is drawn as itself if its namespace and its group are open, else
 * as the box of the innermost one that is open:
 *
 *     ns:shop  ⊃  gr:shop/web.shop  ⊃  docker:3f2a
 *
 * Edges are added up between what is drawn; the worst verdict of them is the line's.
 */
import type { MapAnswer, MapEdge, MapNode, Verdict } from '../lib/types';

export const VERDICTS: readonly Verdict[] = ['allowed', 'violation', 'denied'];
export const OUTSIDE = '\u0001outside';
export const ADDRESSES = '\u0001addresses';

export interface Box {
	id: string;
	kind: 'namespace' | 'group' | 'workload' | 'address' | 'outside';
	name: string;
	parent: string; // a box's id; '' none
	members: number;
	open: boolean; // its members are drawn in it
	mode: string; // 'mixed': not all the same
	quarantined: number; // members
	node?: MapNode;
}

export interface Line {
	id: string;
	from: string; // boxes
	to: string;
	edges: MapEdge[];
	verdict: Verdict;
	sessions: number;
	bytes: number;
	threats: number;
	last_seen: number;
}

export interface Drawn {
	boxes: Map<string, Box>;
	lines: Map<string, Line>;
	within: Map<string, MapEdge[]>; // between members of one closed box
}

export interface MapFilter {
	q: string;
	namespace: string;
	group: string;
	verdict: string;
	application: string;
}

export const edgeKey = (e: { from: string; to: string }) => `${e.from}\n${e.to}`;

export const namespaceOf = (n: MapNode): string =>
	n.kind === 'outside' ? OUTSIDE : n.kind === 'address' ? ADDRESSES : n.namespace;
export const namespaceBox = (n: MapNode) => `ns:${namespaceOf(n)}`;
export const groupOf = (n: MapNode): string => n.groups[0] ?? n.service ?? n.name;
export const groupBox = (n: MapNode) => `gr:${namespaceOf(n)}/${groupOf(n)}`;

export class Known {
	nodes = new Map<string, MapNode>();
	edges = new Map<string, MapEdge>();

	/* Returns the keys of edges that are new or had something new. */
	take(a: MapAnswer): string[] {
		if (a.whole) {
			this.nodes = new Map(a.nodes.map((n) => [n.id, n]));
			this.edges = new Map(a.edges.map((e) => [edgeKey(e), e]));
			return [];
		}
		for (const n of a.nodes) this.nodes.set(n.id, n);
		for (const g of a.gone ?? [])
			if ('node' in g) this.nodes.delete(g.node);
			else this.edges.delete(edgeKey(g));
		for (const e of a.edges) this.edges.set(edgeKey(e), e);
		return a.edges.map(edgeKey);
	}
}

export function worst(a: Verdict, b: Verdict): Verdict {
	return VERDICTS.indexOf(a) >= VERDICTS.indexOf(b) ? a : b;
}

function saidOf(n: MapNode): string {
	return [n.name, n.id, n.namespace, n.service, ...n.groups].join(' ').toLowerCase();
}

/* Edges that a filter leaves, and nodes: those of the edges, and those that it names. */
export function filtered(known: Known, f: MapFilter): { nodes: MapNode[]; edges: MapEdge[] } {
	const words = f.q.toLowerCase().split(/\s+/).filter(Boolean);
	const said = new Map<string, string>();
	if (words.length > 0) for (const n of known.nodes.values()) said.set(n.id, saidOf(n));
	const fits = (n: MapNode) =>
		(!f.namespace || n.namespace === f.namespace) && (!f.group || n.groups.includes(f.group));
	const edges = [...known.edges.values()].filter((e) => {
		const from = known.nodes.get(e.from);
		const to = known.nodes.get(e.to);
		if (!from || !to) return false;
		if (f.verdict && e.verdict !== f.verdict) return false;
		if (f.application && !e.applications.includes(f.application)) return false;
		if ((f.namespace || f.group) && !fits(from) && !fits(to)) return false;
		if (words.length === 0) return true;
		const text = `${said.get(e.from)} ${said.get(e.to)} ${e.protos_ports.join(' ')} ${e.applications.join(' ')}`.toLowerCase();
		return words.every((w) => text.includes(w));
	});
	const used = new Set<string>();
	for (const e of edges) used.add(e.from).add(e.to);
	const byEdgesOnly = !!f.verdict || !!f.application;
	const nodes = [...known.nodes.values()].filter((n) => {
		if (used.has(n.id)) return true;
		if (byEdgesOnly || !fits(n)) return false;
		return words.every((w) => said.get(n.id)!.includes(w));
	});
	return { nodes, edges };
}

function count(b: Box, n: MapNode) {
	b.members++;
	if (b.mode !== n.mode) b.mode = 'mixed';
	if (n.state === 'quarantined') b.quarantined++;
}

export function draw(nodes: readonly MapNode[], edges: readonly MapEdge[], opened: ReadonlySet<string>): Drawn {
	const boxes = new Map<string, Box>();
	const lines = new Map<string, Line>();
	const within = new Map<string, MapEdge[]>();
	const as = new Map<string, string>(); // node -> what it is drawn as

	const peers = new Map<string, number>(); // of one kind; a single one needs no box
	for (const n of nodes) if (n.kind !== 'workload') peers.set(n.kind, (peers.get(n.kind) ?? 0) + 1);

	for (const n of nodes) {
		const ns = namespaceBox(n);
		if (peers.get(n.kind) === 1) {
			boxes.set(n.id, { id: n.id, kind: n.kind, name: n.name, parent: '', members: 1, open: false, mode: n.mode, quarantined: 0, node: n });
			as.set(n.id, n.id);
			continue;
		}
		const gr = groupBox(n);
		let b = boxes.get(ns);
		if (!b) boxes.set(ns, (b = { id: ns, kind: 'namespace', name: namespaceOf(n), parent: '', members: 0, open: opened.has(ns), mode: n.mode, quarantined: 0 }));
		count(b, n);
		if (!b.open) {
			as.set(n.id, ns);
			continue;
		}
		let parent = ns;
		if (n.kind === 'workload') {
			let g = boxes.get(gr);
			if (!g) boxes.set(gr, (g = { id: gr, kind: 'group', name: groupOf(n), parent: ns, members: 0, open: opened.has(gr), mode: n.mode, quarantined: 0 }));
			count(g, n);
			if (!g.open) {
				as.set(n.id, gr);
				continue;
			}
			parent = gr;
		}
		boxes.set(n.id, { id: n.id, kind: n.kind, name: n.name, parent, members: 1, open: false, mode: n.mode, quarantined: Number(n.state === 'quarantined'), node: n });
		as.set(n.id, n.id);
	}
	for (const e of edges) {
		const from = as.get(e.from);
		const to = as.get(e.to);
		if (from === undefined || to === undefined) continue;
		if (from === to) {
			const list = within.get(from);
			if (list) list.push(e);
			else within.set(from, [e]);
			continue;
		}
		const id = `${from}\n${to}`;
		const l = lines.get(id);
		if (!l) {
			lines.set(id, { id, from, to, edges: [e], verdict: e.verdict, sessions: e.sessions, bytes: e.bytes, threats: e.threats, last_seen: e.last_seen });
			continue;
		}
		l.edges.push(e);
		l.verdict = worst(l.verdict, e.verdict);
		l.sessions += e.sessions;
		l.bytes += e.bytes;
		l.threats += e.threats;
		l.last_seen = Math.max(l.last_seen, e.last_seen);
	}
	return { boxes, lines, within };
}

/* More of them are a cloud in which nobody sees any, and take seconds to be drawn. */
export const LINES_MAX = 1000;

/* The lines that are drawn: the worst and the busiest, and as many of what is chosen. */
export function drawnLines(d: Drawn, chosen: string): Map<string, Line> {
	if (d.lines.size <= LINES_MAX) return d.lines;
	const within = (id: string): boolean => id === chosen || (id !== '' && within(d.boxes.get(id)?.parent ?? ''));
	const sorted = [...d.lines.values()].sort(byWeight);
	const its = chosen ? sorted.filter((l) => l.id === chosen || within(l.from) || within(l.to)) : [];
	return new Map([...sorted.slice(0, LINES_MAX), ...its.slice(0, LINES_MAX)].map((l) => [l.id, l]));
}

/* Worst first, then the busiest. */
export function byWeight(a: Pick<Line, 'verdict' | 'bytes'>, b: Pick<Line, 'verdict' | 'bytes'>): number {
	return VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict) || b.bytes - a.bytes;
}
