/*
 * Theory. A value is a row of parts: a number, a name, strings. A table says
 * for each type which; SVCB and HTTPS have a list of keys with values behind
 * that. What is of no known type, or of another class than IN, is told in hex
 * (RFC 3597 5).
 */
#include "proto/dns_value.h"

#include <stdio.h>
#include <string.h>

/* A bit of mDNS (RFC 6762 10.2) in a record's class. */
#define CACHE_FLUSH 0x8000u

/* limits: table */
static const struct {
	uint16_t type;
	const char *name;
	/*
	 * 4, 6: address; n: name; h, w: number of 16, 32 bits; s: all
	 * that follows is strings; k: keys; "": hex.
	 */
	const char *parts;
} types[] = {
	{ DNS_TYPE_A, "A", "4" },
	{ DNS_TYPE_NS, "NS", "n" },
	{ DNS_TYPE_CNAME, "CNAME", "n" },
	{ DNS_TYPE_SOA, "SOA", "nnwwwww" },
	{ DNS_TYPE_NULL, "NULL", "" },
	{ DNS_TYPE_PTR, "PTR", "n" },
	{ 13, "HINFO", "s" },
	{ DNS_TYPE_MX, "MX", "hn" },
	{ DNS_TYPE_TXT, "TXT", "s" },
	{ DNS_TYPE_AAAA, "AAAA", "6" },
	{ DNS_TYPE_SRV, "SRV", "hhhn" },
	{ 35, "NAPTR", "" },
	{ DNS_TYPE_DNAME, "DNAME", "n" },
	{ 41, "OPT", "" },
	{ 43, "DS", "" },
	{ 46, "RRSIG", "" },
	{ 47, "NSEC", "" },
	{ 48, "DNSKEY", "" },
	{ 50, "NSEC3", "" },
	{ 52, "TLSA", "" },
	{ DNS_TYPE_SVCB, "SVCB", "hnk" },
	{ DNS_TYPE_HTTPS, "HTTPS", "hnk" },
	{ DNS_TYPE_SPF, "SPF", "s" },
	{ DNS_TYPE_IXFR, "IXFR", "" },
	{ DNS_TYPE_AXFR, "AXFR", "" },
	{ DNS_TYPE_ANY, "ANY", "" },
	{ 257, "CAA", "" },
};

const char *dns_type_name(uint16_t type, char buf[static DNS_TYPE_TEXT_MAX])
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == type)
			return types[i].name;
	(void)snprintf(buf, DNS_TYPE_TEXT_MAX, "TYPE%u", type);
	return buf;
}

static const char *parts_of(const struct dns_record *r)
{
	if ((r->class & (uint16_t)~CACHE_FLUSH) != DNS_CLASS_IN)
		return "";
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == r->type)
			return types[i].parts;
	return "";
}

static void put_text(struct outbytes *out, const char *s)
{
	put_copy(out, s, strlen(s));
}

static void put_number(struct outbytes *out, uint32_t n)
{
	char text[12];

	(void)snprintf(text, sizeof text, "%u", n);
	put_text(out, text);
}

static void put_hex(struct outbytes *out, struct bytes b)
{
	static const char digits[] = "0123456789abcdef";

	for (uint8_t c; !out->full && take_u8(&b, &c);) {
		put_u8(out, (uint8_t)digits[c >> 4]);
		put_u8(out, (uint8_t)digits[c & 15]);
	}
}

static bool put_address(struct outbytes *out, struct bytes *b, bool v6)
{
	char text[IP_TEXT_MAX];
	struct ip_addr ip;

	if (v6 ? !take_ip6(b, &ip) : !take_ip4(b, &ip))
		return false;
	put_text(out, ip_format(ip, text));
	return true;
}

/* Strings, each behind its length in 8 bits, with `between` them. */
static bool put_strings(struct outbytes *out, struct bytes *b,
			const char *between)
{
	bool first = true;
	struct bytes s;
	uint8_t len;

	while (take_u8(b, &len)) {
		if (!take_bytes(b, len, &s))
			return false;
		if (!first)
			put_text(out, between);
		put_copy(out, s.begin, bytes_len(s));
		first = false;
	}
	return true;
}

/* The value of one key of SVCB, RFC 9460 7, 14.3.2. */
static bool put_key(struct outbytes *out, uint16_t key, struct bytes value)
{
	static const char *const names[] = { "mandatory",	"alpn",
					     "no-default-alpn", "port",
					     "ipv4hint",	"ech",
					     "ipv6hint" };
	bool first = true;
	uint16_t n;

	if (key < sizeof names / sizeof *names) {
		put_text(out, names[key]);
	} else {
		put_text(out, "key");
		put_number(out, key);
	}
	if (bytes_len(value) == 0)
		return true;
	put_text(out, "=");
	if (key == 1)
		return put_strings(out, &value, ",");
	if (key == 3 && take_be16(&value, &n)) {
		put_number(out, n);
		return bytes_len(value) == 0;
	}
	if (key != 4 && key != 6) {
		put_hex(out, value);
		return true;
	}
	for (; bytes_len(value) > 0; first = false) {
		put_text(out, first ? "" : ",");
		if (!put_address(out, &value, key == 6))
			return false;
	}
	return true;
}

static bool put_keys(struct outbytes *out, struct bytes *b)
{
	struct bytes value;
	uint16_t key, len;

	while (bytes_len(*b) > 0) {
		if (!take_be16(b, &key) || !take_be16(b, &len) ||
		    !take_bytes(b, len, &value))
			return false;
		put_text(out, " ");
		if (!put_key(out, key, value))
			return false;
	}
	return true;
}

static bool put_integer(struct outbytes *out, struct bytes *b, char part)
{
	uint32_t n32;
	uint16_t n16;

	if (part == 'h' ? !take_be16(b, &n16) : !take_be32(b, &n32))
		return false;
	put_number(out, part == 'h' ? n16 : n32);
	return true;
}

static enum dns_outcome put_part(struct outbytes *out, struct bytes whole,
				 struct bytes *b, char part)
{
	struct dns_name name;
	enum dns_outcome o;
	bool ok = false;

	switch (part) {
	case '4':
	case '6': ok = put_address(out, b, part == '6'); break;
	case 'h':
	case 'w': ok = put_integer(out, b, part); break;
	case 's': ok = put_strings(out, b, ""); break;
	case 'k': ok = put_keys(out, b); break;
	case 'n':
		o = dns_take_name(whole, b, &name);
		if (o)
			return o;
		put_copy(out, name.text, name.len);
		return DNS_OK;
	default: break;
	}
	return ok ? DNS_OK : DNS_RDATA;
}

enum dns_outcome dns_put_value(struct bytes whole, const struct dns_record *r,
			       struct outbytes *out)
{
	const char *parts = parts_of(r);
	struct bytes b = r->data;
	enum dns_outcome o;

	if (!*parts) {
		put_text(out, "\\# ");
		put_number(out, (uint32_t)bytes_len(b));
		put_text(out, bytes_len(b) ? " " : "");
		put_hex(out, b);
		return DNS_OK;
	}
	for (const char *p = parts; *p; p++) {
		/* keys bring their own blanks */
		if (p > parts && *p != 'k')
			put_text(out, " ");
		o = put_part(out, whole, &b, *p);
		if (o)
			return o;
	}
	return bytes_len(b) == 0 ? DNS_OK : DNS_RDATA;
}
