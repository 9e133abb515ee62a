/* Numbers and times as people read them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytes(n: number): string {
	let i = 0;
	while (n >= 999.5 && i < UNITS.length - 1) {
		n /= 1000;
		i++;
	}
	return `${i === 0 || n >= 99.95 ? Math.round(n) : n.toFixed(1)} ${UNITS[i]}`;
}

const RATES = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

export function bitRate(bitsPerSecond: number): string {
	let n = bitsPerSecond;
	let i = 0;
	while (n >= 999.5 && i < RATES.length - 1) {
		n /= 1000;
		i++;
	}
	return `${i === 0 || n >= 99.95 ? Math.round(n) : n.toFixed(1)} ${RATES[i]}`;
}

export function count(n: number): string {
	return Math.round(n).toLocaleString('en');
}

/* 12,3 k where room is scarce */
export function short(n: number): string {
	if (n < 10_000) return count(n);
	if (n < 1e6) return `${(n / 1e3).toFixed(n < 1e5 ? 1 : 0)}k`;
	return `${(n / 1e6).toFixed(1)}M`;
}

/* seconds, as "4 min" */
export function span(s: number): string {
	s = Math.max(0, Math.round(s));
	if (s < 60) return `${s} s`;
	if (s < 3600) return `${Math.floor(s / 60)} min`;
	if (s < 86_400) return `${Math.floor(s / 3600)} h`;
	return `${Math.floor(s / 86_400)} d`;
}

export function ago(at: number, now: number): string {
	const s = now - at;
	return s < 5 ? 'just now' : `${span(s)} ago`;
}

export function clock(at: number): string {
	return new Date(at * 1000).toLocaleTimeString('en-GB');
}

/* Local time, the same everywhere: 2026-11-30 02:19:47 */
export function stamp(at: number): string {
	const d = new Date(at * 1000);
	const two = (n: number) => String(n).padStart(2, '0');
	return (
		`${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ` +
		`${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
	);
}
