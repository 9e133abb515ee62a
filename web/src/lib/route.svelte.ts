/*
 * Where we are: the part of the address behind '#'. It holds the page, at most one
 * name below it, and the filters, so that what one looks at can be sent as a link:
 *
 *     #/workloads/docker:3f2a?mode=protect
 */

export const PAGES = [
	'overview',
	'map',
	'workloads',
	'groups',
	'policy',
	'learned',
	'events',
	'flows',
	'fleet',
	'capture',
	'signatures',
	'settings',
] as const;

export type Page = (typeof PAGES)[number];
export type Query = Record<string, string>;

export interface Place {
	page: Page | 'login' | 'setup' | 'unknown';
	id: string;
	query: Query;
}

export function parsePlace(hash: string): Place {
	const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
	const [page = '', ...rest] = path.split('/');
	const query: Query = Object.fromEntries(new URLSearchParams(search));
	const known = page === '' ? 'overview' : page;
	let id = '';
	try {
		id = decodeURIComponent(rest.join('/'));
	} catch {
		return { page: 'unknown', id: '', query: {} };
	}
	if (known === 'login' || known === 'setup' || (PAGES as readonly string[]).includes(known))
		return { page: known as Place['page'], id, query };
	return { page: 'unknown', id: '', query: {} };
}

export function href(page: Place['page'], id = '', query: Query = {}): string {
	const search = new URLSearchParams(
		Object.entries(query).filter(([, v]) => v !== ''),
	).toString();
	return `#/${page}${id ? '/' + encodeURIComponent(id) : ''}${search ? '?' + search : ''}`;
}

class Route {
	place = $state<Place>(parsePlace(location.hash));

	constructor() {
		addEventListener('hashchange', () => (this.place = parsePlace(location.hash)));
	}

	/* With an entry in the browser's history. */
	go(page: Place['page'], id = '', query: Query = {}) {
		location.hash = href(page, id, query);
	}

	/* Without: a filter that was typed. */
	swap(page: Place['page'], id = '', query: Query = {}) {
		history.replaceState(null, '', href(page, id, query));
		this.place = { page, id, query };
	}
}

export const route = new Route();
