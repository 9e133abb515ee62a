/*
 * Where boxes stand: who calls stands left of who is called, in columns; within a
 * namespace above, in rows, so that neither way it becomes too long; workloads of a
 * group in a grid. A box that is open is as large as its members need. A box keeps the rank and the place in it that
 * it once got, so opening one only moves the others apart; only "arrange anew" forgets.
 */
import type { Box, Drawn } from './model';

export interface Point {
	x: number;
	y: number;
}

interface Slot {
	rank: number;
	order: number;
}

interface Size {
	w: number;
	h: number;
}

export const BOX: Record<Box['kind'], Size> = {
	namespace: { w: 150, h: 54 },
	group: { w: 132, h: 42 },
	workload: { w: 116, h: 34 },
	address: { w: 122, h: 34 },
	outside: { w: 122, h: 34 },
};
const PAD = { x: 26, top: 40, bottom: 24 }; // within an open box, its name above
/* Between ranks (columns or rows), and within one. */
const GAP = { namespace: { rank: 96, beside: 46 }, group: { rank: 48, beside: 26 }, leaf: { rank: 12, beside: 10 } };
const RANKS_MAX = 7;

/* Ranks of the members of one box, by the lines between them. */
export function ranksOf(ids: readonly string[], calls: readonly [string, string, number][]): Map<string, number> {
	const out = new Map<string, string[]>(ids.map((id) => [id, []]));
	const weight = new Map<string, [number, number]>(ids.map((id) => [id, [0, 0]]));
	for (const [a, b, w] of calls) {
		out.get(a)?.push(b);
		if (weight.has(a)) weight.get(a)![0] += w;
		if (weight.has(b)) weight.get(b)![1] += w;
	}
	const depth = longestPaths(ids, out);
	const ranks = Math.max(0, ...depth.values()) + 1;
	const most = Math.min(RANKS_MAX, Math.max(1, Math.ceil(Math.sqrt(ids.length))));
	if (ranks <= Math.max(most, 4)) return depth;
	// Everybody calls everybody: by how much they rather call than are called.
	const score = (id: string) => {
		const [o, i] = weight.get(id)!;
		return o + i === 0 ? 0 : (i - o) / (o + i);
	};
	const sorted = [...ids].sort((a, b) => score(a) - score(b) || (a < b ? -1 : 1));
	return new Map(sorted.map((id, k) => [id, Math.floor((k * most) / sorted.length)]));
}

/* How many callers stand before each; calls back to one on the way do not count. */
function longestPaths(ids: readonly string[], out: Map<string, string[]>): Map<string, number> {
	const state = new Map<string, 1 | 2>(); // 1: on the way, 2: done
	const order: string[] = [];
	const forward = new Map<string, string[]>();
	const called = new Set([...out.values()].flat());
	const starts = [...ids].sort((a, b) => Number(called.has(a)) - Number(called.has(b)) || (a < b ? -1 : 1));

	for (const start of starts) {
		if (state.has(start)) continue;
		const way: { id: string; next: number }[] = [{ id: start, next: 0 }];
		state.set(start, 1);
		while (way.length > 0) {
			const top = way.at(-1)!;
			const to = out.get(top.id)![top.next++];
			if (to === undefined) {
				state.set(top.id, 2);
				order.push(top.id);
				way.pop();
			} else if (out.has(to) && state.get(to) !== 1) {
				forward.set(top.id, [...(forward.get(top.id) ?? []), to]);
				if (!state.has(to)) {
					state.set(to, 1);
					way.push({ id: to, next: 0 });
				}
			}
		}
	}
	const depth = new Map(ids.map((id) => [id, 0]));
	for (const id of order.reverse())
		for (const to of forward.get(id) ?? []) depth.set(to, Math.max(depth.get(to)!, depth.get(id)! + 1));
	return depth;
}

export class Places {
	#slots = new Map<string, Slot>();
	#moved = new Map<string, Point>(); // by hand

	forget() {
		this.#slots.clear();
		this.#moved.clear();
	}

	/* A box was dragged; what is in it goes along. */
	moveBy(id: string, by: Point) {
		const old = this.#moved.get(id) ?? { x: 0, y: 0 };
		this.#moved.set(id, { x: old.x + by.x, y: old.y + by.y });
	}

	/* The middle of each box that has nothing drawn in it. tall: as a phone is. */
	place(d: Drawn, tall = false): Map<string, Point> {
		const members = new Map<string, Box[]>();
		for (const b of d.boxes.values()) {
			const list = members.get(b.parent);
			if (list) list.push(b);
			else members.set(b.parent, [b]);
		}
		const calls = callsByParent(d);
		const sizes = new Map<string, Size>();
		const inner = new Map<string, Map<string, Point>>();
		const measure = (id: string): Size => {
			const list = members.get(id) ?? [];
			for (const b of list) sizes.set(b.id, b.open ? measure(b.id) : BOX[b.kind]);
			const { at, size } = this.#ranks(list, calls.get(id) ?? [], sizes, tall);
			inner.set(id, at);
			return { w: size.w + 2 * PAD.x, h: size.h + PAD.top + PAD.bottom };
		};
		measure('');

		const result = new Map<string, Point>();
		const put = (id: string, origin: Point) => {
			for (const b of members.get(id) ?? []) {
				const at = inner.get(id)!.get(b.id)!;
				const by = this.#moved.get(b.id) ?? { x: 0, y: 0 };
				const size = sizes.get(b.id)!;
				const x = origin.x + at.x + by.x;
				const y = origin.y + at.y + by.y;
				if (b.open) put(b.id, { x: x + PAD.x, y: y + PAD.top });
				else result.set(b.id, { x: x + size.w / 2, y: y + size.h / 2 });
			}
		};
		put('', { x: 0, y: 0 });
		return result;
	}

	/* Upper left corners of the members, and how large they are together. */
	#ranks(list: Box[], calls: [string, string, number][], sizes: Map<string, Size>, tall: boolean) {
		const at = new Map<string, Point>();
		if (list.length === 0) return { at, size: { w: 0, h: 0 } };
		const level = list.some((b) => b.kind === 'namespace') ? 'namespace' : list.some((b) => b.kind === 'group') ? 'group' : 'leaf';
		const gap = GAP[level];
		const down = level === 'group' || (level === 'namespace' && tall); // ranks are rows
		const along = (b: Box) => (down ? sizes.get(b.id)!.h : sizes.get(b.id)!.w);
		const beside = (b: Box) => (down ? sizes.get(b.id)!.w : sizes.get(b.id)!.h);
		this.#slot(list, calls, level === 'leaf');
		const whole: Box[][] = [];
		for (const b of list) (whole[this.#slots.get(b.id)!.rank] ??= []).push(b);
		for (const r of whole) r?.sort((a, b) => this.#slots.get(a.id)!.order - this.#slots.get(b.id)!.order);
		const area = list.reduce((sum, b) => sum + (along(b) + gap.rank) * (beside(b) + gap.beside), 0);
		const shape = (tall ? 0.6 : 1.6) ** (down ? 1 : -1); // along what is beside each other, by the other way
		const ranks = broken(whole, Math.sqrt(area * shape), (b) => beside(b) + gap.beside);
		const lengths = ranks.map((r) => r.reduce((sum, b) => sum + beside(b) + gap.beside, -gap.beside));
		const length = Math.max(...lengths.filter((l) => l !== undefined));
		let x = 0;
		ranks.forEach((r, k) => {
			const width = Math.max(...r.map(along));
			let y = (length - lengths[k]!) / 2;
			for (const b of r) {
				const off = x + (width - along(b)) / 2;
				at.set(b.id, down ? { x: y, y: off } : { x: off, y });
				y += beside(b) + gap.beside;
			}
			x += width + gap.rank;
		});
		x -= gap.rank;
		return { at, size: down ? { w: length, h: x } : { w: x, h: length } };
	}

	/* Those that are new get a rank and a place behind the others. */
	#slot(list: Box[], calls: [string, string, number][], grid: boolean) {
		const fresh = list.filter((b) => !this.#slots.has(b.id));
		if (fresh.length === 0) return;
		const first = fresh.length === list.length;
		if (grid) {
			const wide = Math.max(1, Math.round(Math.sqrt(list.length / 2.2)));
			const before = list.length - fresh.length;
			fresh.sort((a, b) => (a.name < b.name ? -1 : 1)).forEach((b, k) => this.#slots.set(b.id, { rank: (before + k) % wide, order: before + k }));
			return;
		}
		const talk = new Set(calls.flatMap(([a, b]) => [a, b]));
		const talking = list.filter((b) => talk.has(b.id));
		const ranks = ranksOf(talking.map((b) => b.id), calls);
		const most = Math.max(0, ...ranks.values()) + 1;
		// Who talks to nobody stands behind the others, in all ranks alike.
		const wide = Math.max(most, Math.round(Math.sqrt(list.length)));
		let silent = 0;
		for (const b of fresh) {
			const rank = ranks.get(b.id);
			this.#slots.set(b.id, rank === undefined ? { rank: silent++ % wide, order: 1e6 + silent } : { rank, order: 1e3 });
		}
		if (first) this.#order(talking, calls);
		else fresh.forEach((b, k) => (this.#slots.get(b.id)!.order += 1e4 + k));
	}

	/* Each beside those it talks to: the mean of their places, a few times over. */
	#order(list: Box[], calls: [string, string, number][]) {
		const beside = new Map<string, string[]>();
		for (const [a, b] of calls) {
			beside.set(a, [...(beside.get(a) ?? []), b]);
			beside.set(b, [...(beside.get(b) ?? []), a]);
		}
		const ranks: string[][] = [];
		for (const b of [...list].sort((a, b) => (a.name < b.name ? -1 : 1))) (ranks[this.#slots.get(b.id)!.rank] ??= []).push(b.id);
		const place = new Map<string, number>();
		ranks.forEach((r) => r.forEach((id, k) => place.set(id, (k + 0.5) / r.length)));
		for (let round = 0; round < 6; round++)
			ranks.forEach((r) => {
				const mean = (id: string) => {
					const list = (beside.get(id) ?? []).map((o) => place.get(o) ?? 0.5);
					return list.length > 0 ? list.reduce((a, b) => a + b, 0) / list.length : place.get(id)!;
				};
				const wanted = new Map(r.map((id) => [id, mean(id)]));
				r.sort((a, b) => wanted.get(a)! - wanted.get(b)!);
				r.forEach((id, k) => place.set(id, (k + 0.5) / r.length));
			});
		ranks.forEach((r) => r.forEach((id, k) => (this.#slots.get(id)!.order = k)));
	}
}

const BREAK_FROM = 12; // fewer boxes stay in their rank: who stands behind whom says something

/* Ranks of many that would be much longer than that go on in another one behind. */
function broken(ranks: Box[][], length: number, of: (b: Box) => number): Box[][] {
	const result: Box[][] = [];
	for (const r of ranks) {
		if (!r) continue;
		const whole = r.reduce((sum, b) => sum + of(b), 0);
		const most = r.length > BREAK_FROM && whole > 1.5 * length ? whole / Math.ceil(whole / length) : whole;
		let part: Box[] = [];
		let long = 0;
		for (const b of r) {
			if (part.length > 0 && long + of(b) / 2 > most) {
				result.push(part);
				part = [];
				long = 0;
			}
			part.push(b);
			long += of(b);
		}
		result.push(part);
	}
	return result;
}

/* Lines between members of the same box; what is deeper counts for the member it is in. */
function callsByParent(d: Drawn): Map<string, [string, string, number][]> {
	const way = (id: string): string[] => {
		const list: string[] = [];
		for (let b = d.boxes.get(id); b; b = d.boxes.get(b.parent)) list.unshift(b.id);
		return list;
	};
	const sums = new Map<string, Map<string, [string, string, number]>>();
	for (const l of d.lines.values()) {
		const a = way(l.from);
		const b = way(l.to);
		let k = 0;
		while (k < a.length && k < b.length && a[k] === b[k]) k++;
		const from = a[k];
		const to = b[k];
		if (from === undefined || to === undefined) continue;
		const parent = k > 0 ? a[k - 1]! : '';
		const list = sums.get(parent) ?? new Map<string, [string, string, number]>();
		sums.set(parent, list);
		const key = `${from}\n${to}`;
		const old = list.get(key);
		if (old) old[2] += l.sessions;
		else list.set(key, [from, to, l.sessions]);
	}
	return new Map([...sums].map(([k, v]) => [k, [...v.values()]]));
}
