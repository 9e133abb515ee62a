/* Settings as a list of single ones, and back: "inspection.on.memory" -> its value. */
export type Setting = string | number | boolean | (string | number)[];

export function flat(o: unknown, path = ''): Map<string, Setting> {
	const all = new Map<string, Setting>();
	if (o === null || typeof o !== 'object') return all;
	for (const [k, v] of Object.entries(o)) {
		const at = path ? `${path}.${k}` : k;
		if (Array.isArray(v) || (v !== null && typeof v !== 'object')) all.set(at, v as Setting);
		else for (const [a, b] of flat(v, at)) all.set(a, b);
	}
	return all;
}

/* null: the default again. */
export function unflat(settings: Iterable<[string, Setting | null]>): Record<string, unknown> {
	const all: Record<string, unknown> = {};
	for (const [path, v] of settings) {
		let o = all;
		const parts = path.split('.');
		const name = parts.pop()!;
		for (const p of parts) o = (o[p] ??= {}) as Record<string, unknown>;
		o[name] = v;
	}
	return all;
}

/* What was typed, as the setting is: a number stays one, a list a list. undefined: it cannot be. */
export function typed(text: string, was: Setting, numbers = typeof was === 'number'): Setting | undefined {
	if (Array.isArray(was)) {
		const words = text.split(',').map((w) => w.trim()).filter(Boolean);
		if (!numbers && !was.some((w) => typeof w === 'number')) return words;
		const list = words.map(Number);
		return list.every((n) => Number.isFinite(n)) ? list : undefined;
	}
	if (!numbers) return text;
	const n = Number(text);
	return text.trim() !== '' && Number.isFinite(n) ? n : undefined;
}
