/*
 * Families never meet in one range: IPv4 is ::ffff:0:0/96 of the same 128 bits,
 * but a range that begins outside of that ends before it or behind it.
 */
#include "intent/ranges.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

static u128 number_of(struct ip_addr a)
{
	u128 v = 0;

	for (int i = 0; i < 16; i++)
		v = v << 8 | a.b[i];
	return v;
}

static struct ip_addr addr_of(u128 v)
{
	struct ip_addr a;

	for (int i = 15; i >= 0; i--, v >>= 8)
		a.b[i] = (uint8_t)v;
	return a;
}

static bool ip_of(const char *text, size_t len, struct ip_addr *ret)
{
	char buf[IP_TEXT_MAX];

	if (len >= sizeof buf)
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return ip_parse(buf, ret) == 0;
}

/* A network; IPv6's ::/0 and its like end before IPv4's part of them. */
static bool net_parse(const char *text, struct addr_range *ret)
{
	struct ip_net net;
	u128 last;

	if (ip_net_parse(text, &net) < 0)
		return false;
	last = net.prefix_bits == 0
		       ? ~(u128)0
		       : number_of(net.ip) |
				 ~(~(u128)0 << (128 - net.prefix_bits));
	if (net.prefix_bits == 128)
		last = number_of(net.ip);
	*ret = (struct addr_range){ net.ip, addr_of(last) };
	return true;
}

bool range_parse(const char *text, struct addr_range *ret)
{
	size_t len = strcspn(text, "-/");

	if (text[len] == '/') {
		struct addr_range r;

		if (!net_parse(text, &r))
			return false;
		/* both families at once are no network of either */
		if (ip_is_v4(r.first) != ip_is_v4(r.last))
			return false;
		*ret = r;
		return true;
	}
	if (!ip_of(text, len, &ret->first))
		return false;
	ret->last = ret->first;
	if (text[len] == '-')
		return ip_of(text + len + 1, strlen(text + len + 1),
			     &ret->last) &&
		       ip_is_v4(ret->first) == ip_is_v4(ret->last) &&
		       ip_compare(ret->first, ret->last) <= 0;
	return true;
}

bool range_has(const struct addr_range *r, struct ip_addr a)
{
	return ip_is_v4(r->first) == ip_is_v4(a) &&
	       ip_compare(r->first, a) <= 0 && ip_compare(a, r->last) <= 0;
}

bool ranges_add(struct ranges *r, struct addr_range range)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 8;
		struct addr_range *grown = realloc(r->v, room * sizeof *grown);

		if (!grown)
			return false;
		r->v = grown;
		r->room = room;
	}
	r->v[r->n++] = range;
	return true;
}

bool ranges_add_all(struct ranges *r, const struct ranges *more)
{
	for (size_t i = 0; i < more->n; i++)
		if (!ranges_add(r, more->v[i]))
			return false;
	return true;
}

void ranges_done(struct ranges *r)
{
	free(r->v);
	*r = (struct ranges){ 0 };
}

/* Families apart: ranges of IPv6 may reach over where IPv4 is mapped. */
static int range_order(const void *a, const void *b)
{
	const struct addr_range *x = a, *y = b;
	int family = ip_is_v4(x->first) - ip_is_v4(y->first);

	return family ? family : ip_compare(x->first, y->first);
}

static bool touches(const struct addr_range *r, const struct addr_range *next)
{
	return ip_is_v4(r->first) == ip_is_v4(next->first) &&
	       (ip_compare(next->first, r->last) <= 0 ||
		number_of(next->first) == number_of(r->last) + 1);
}

void ranges_tidy(struct ranges *r)
{
	size_t out = 0;

	if (r->n == 0)
		return;
	qsort(r->v, r->n, sizeof *r->v, range_order);
	for (size_t i = 1; i < r->n; i++) {
		if (!touches(&r->v[out], &r->v[i]))
			r->v[++out] = r->v[i];
		else if (ip_compare(r->v[i].last, r->v[out].last) > 0)
			r->v[out].last = r->v[i].last;
	}
	r->n = out + 1;
}

bool ranges_without(const struct ranges *from, const struct ranges *less,
		    struct ranges *ret)
{
	for (size_t i = 0; i < from->n; i++) {
		struct addr_range left = from->v[i];
		bool gone = false;

		for (size_t k = 0; k < less->n && !gone; k++) {
			const struct addr_range *l = &less->v[k];

			if (ip_is_v4(l->first) != ip_is_v4(left.first) ||
			    ip_compare(l->last, left.first) < 0 ||
			    ip_compare(l->first, left.last) > 0)
				continue;
			if (ip_compare(left.first, l->first) < 0 &&
			    !ranges_add(
				    ret,
				    (struct addr_range){
					    left.first,
					    addr_of(number_of(l->first) - 1) }))
				return false;
			gone = ip_compare(l->last, left.last) >= 0;
			left.first = addr_of(number_of(l->last) + 1);
		}
		if (!gone && !ranges_add(ret, left))
			return false;
	}
	return true;
}

bool ranges_have(const struct ranges *r, struct ip_addr a)
{
	struct addr_range key = { a, a };
	size_t low = 0, high = r->n;

	/* the last that begins at or before a */
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (range_order(&r->v[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && range_has(&r->v[low - 1], a);
}

/* 2^bits addresses from first on are a network that ends before last? */
static bool fits(u128 first, u128 last, unsigned bits)
{
	u128 size = bits == 128 ? 0 : (u128)1 << bits;

	return bits < 128 && (first & (size - 1)) == 0 &&
	       last - first >= size - 1;
}

/* The largest network at the beginning of r. */
static unsigned network_bits(const struct addr_range *r)
{
	u128 first = number_of(r->first), last = number_of(r->last);
	unsigned most = ip_is_v4(r->first) ? 32 : 128, bits = 0;

	while (bits < most && fits(first, last, bits + 1))
		bits++;
	return bits;
}

json_t *range_word(const struct addr_range *r)
{
	char text[2 * IP_NET_TEXT_MAX], first[IP_TEXT_MAX], last[IP_TEXT_MAX];
	unsigned bits = network_bits(r);
	struct ip_net net = { r->first, (uint8_t)(128 - bits) };

	if (number_of(r->last) - number_of(r->first) == ((u128)1 << bits) - 1)
		return json_string(ip_net_format(net, text));
	(void)snprintf(text, sizeof text, "%s-%s", ip_format(r->first, first),
		       ip_format(r->last, last));
	return json_string(text);
}

bool ranges_as_prefixes(const struct ranges *r, size_t max, json_t *array)
{
	char text[IP_NET_TEXT_MAX];

	for (size_t i = 0; i < r->n; i++) {
		struct addr_range left = r->v[i];

		while (ip_compare(left.first, left.last) <= 0) {
			unsigned bits = network_bits(&left);
			struct ip_net net = { left.first,
					      (uint8_t)(128 - bits) };
			u128 next = number_of(left.first) + ((u128)1 << bits);

			if (json_array_size(array) == max ||
			    json_array_append_new(
				    array,
				    json_string(ip_net_format(net, text))) < 0)
				return false;
			if (next == 0)
				break;
			left.first = addr_of(next);
		}
	}
	return true;
}
