/* Filters as people write them: words, and name:value for what has a name. */

export interface FilterField {
	key: string;
	title: string;
	options?: readonly string[];
}

export type Filters = Record<string, string>;

/* What was typed, as a filter; undefined if it names none: it is text to look for. */
export function parseChip(
	text: string,
	fields: readonly FilterField[],
): { key: string; value: string } | undefined {
	const m = /^\s*([a-z_]+)\s*[:=]\s*(.+?)\s*$/i.exec(text);
	if (!m) return undefined;
	const name = m[1]!.toLowerCase();
	const field = fields.find((f) => f.key === name || f.title.toLowerCase() === name);
	if (!field) return undefined;
	const value = m[2]!;
	const option = field.options?.find((o) => o.toLowerCase() === value.toLowerCase());
	return { key: field.key, value: option ?? value };
}

/* What may be meant by what was typed so far. */
export function suggestions(
	text: string,
	fields: readonly FilterField[],
	max = 8,
): { key: string; value: string; label: string }[] {
	const typed = text.trim().toLowerCase();
	const [name = '', wanted] = typed.split(/[:=]/, 2) as [string, string | undefined];
	const list: { key: string; value: string; label: string }[] = [];
	for (const f of fields) {
		const called = f.key.startsWith(name) || f.title.toLowerCase().startsWith(name);
		if (wanted !== undefined && !called) continue;
		for (const o of f.options ?? []) {
			const fits =
				wanted !== undefined
					? o.toLowerCase().startsWith(wanted.trim())
					: called || (typed !== '' && o.toLowerCase().includes(typed));
			if (fits && o !== '') list.push({ key: f.key, value: o, label: `${f.title}: ${o}` });
			if (list.length >= max) return list;
		}
	}
	return list;
}

/* What the host is asked for when words are looked for: the longest, which leaves least. */
export function longestWord(words: string | undefined): string {
	return (words ?? '').split(/\s+/).reduce((a, b) => (b.length > a.length ? b : a), '');
}

/* Every text of it, in which the host looks for words. */
export function textsOf(v: unknown): string {
	if (typeof v === 'string') return v;
	return v && typeof v === 'object' ? Object.values(v).map(textsOf).join(' ') : '';
}

/* All words of the text are somewhere in what is said of the row. */
export function hasWords(said: string, text: string): boolean {
	const low = said.toLowerCase();
	return text
		.toLowerCase()
		.split(/\s+/)
		.every((word) => low.includes(word));
}
