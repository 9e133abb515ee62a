/* Bytes as the agent says them (hexadecimal), in lines of sixteen. */

export interface HexLine {
	offset: number;
	cells: { hex: string; text: string; marked: boolean }[];
}

export function bytesOf(hex: string): number[] {
	const clean = hex.replace(/\s+/g, '');
	if (clean.length % 2 !== 0 || /[^0-9a-f]/i.test(clean)) return [];
	return Array.from({ length: clean.length / 2 }, (_, i) =>
		Number.parseInt(clean.slice(2 * i, 2 * i + 2), 16),
	);
}

export function hexLines(
	hex: string,
	begins: number,
	mark?: { offset: number; length: number },
	perLine = 16,
): HexLine[] {
	const list = bytesOf(hex);
	const lines: HexLine[] = [];
	for (let i = 0; i < list.length; i += perLine)
		lines.push({
			offset: begins + i,
			cells: list.slice(i, i + perLine).map((b, k) => {
				const at = begins + i + k;
				return {
					hex: b.toString(16).padStart(2, '0'),
					text: b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '·',
					marked: !!mark && at >= mark.offset && at < mark.offset + mark.length,
				};
			}),
		});
	return lines;
}
