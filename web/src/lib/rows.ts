/* Pure parts of the table: sorting, and which rows are in sight. */

export interface Sort {
	key: string;
	down: boolean;
}

export type Sortable = string | number | undefined | null;

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

export function compare(a: Sortable, b: Sortable): number {
	if (a === b) return 0;
	// what is not there comes last
	if (a === undefined || a === null || a === '') return 1;
	if (b === undefined || b === null || b === '') return -1;
	if (typeof a === 'number' && typeof b === 'number') return a - b;
	return collator.compare(String(a), String(b));
}

export function sorted<T>(rows: readonly T[], by: (row: T) => Sortable, down: boolean): T[] {
	const sign = down ? -1 : 1;
	return rows
		.map((row, at) => ({ row, at, value: by(row) }))
		.sort((a, b) => sign * compare(a.value, b.value) || a.at - b.at)
		.map((x) => x.row);
}

export interface Sight {
	first: number;
	last: number; // one behind
}

export function inSight(
	count: number,
	rowHeight: number,
	scrolled: number,
	height: number,
	beside = 8,
): Sight {
	if (rowHeight <= 0) return { first: 0, last: Math.min(count, 40) };
	const first = Math.max(0, Math.floor(scrolled / rowHeight) - beside);
	const last = Math.min(count, Math.ceil((scrolled + height) / rowHeight) + beside);
	return { first: Math.min(first, Math.max(0, count - 1)), last };
}
