#include "proto/ja.h"

#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"

#define JA4_HASH_BYTES 6
#define COUNT_MAX      99u /* two digits */

/* Numbers of a hello, without reserved ones. */
struct numbers {
	size_t n;
	uint16_t of[JA_VALUES_MAX];
};

static void take_numbers(struct bytes b, struct numbers *ret)
{
	uint16_t v;

	ret->n = 0;
	while (take_be16(&b, &v)) {
		if (tls_is_grease(v))
			continue;
		BUG_ON(ret->n == JA_VALUES_MAX); /* ja_can() */
		ret->of[ret->n++] = v;
	}
}

static bool take_extension(struct bytes *b, uint16_t *type)
{
	uint16_t len;

	return take_be16(b, type) && take_be16(b, &len) && take_skip(b, len);
}

static void take_types(struct bytes extensions, struct numbers *ret)
{
	uint16_t type;

	ret->n = 0;
	while (take_extension(&extensions, &type)) {
		if (tls_is_grease(type))
			continue;
		BUG_ON(ret->n == JA_VALUES_MAX); /* ja_can() */
		ret->of[ret->n++] = type;
	}
}

bool ja_can(const struct tls_hello *h)
{
	struct bytes b = h->extensions;
	const size_t most = (size_t)2 * JA_VALUES_MAX;
	size_t types = 0;
	uint16_t type;

	while (take_extension(&b, &type))
		types++;
	return types <= JA_VALUES_MAX && bytes_len(h->ciphers) <= most &&
	       bytes_len(h->groups) <= most && bytes_len(h->sigalgs) <= most;
}

static void add_text(struct md5_ctx *md5, const char *s)
{
	md5_update(md5, strlen(s), (const uint8_t *)s);
}

/* Not snprintf(): a hello has a hundred of these. */
static void add_decimal(struct md5_ctx *md5, bool first, unsigned v)
{
	uint8_t text[6], *at = text + sizeof text;

	do
		*--at = (uint8_t)('0' + v % 10);
	while ((v /= 10) > 0);
	if (!first)
		*--at = '-';
	md5_update(md5, (size_t)(text + sizeof text - at), at);
}

static void add_decimals(struct md5_ctx *md5, const struct numbers *n)
{
	add_text(md5, ",");
	for (size_t i = 0; i < n->n; i++)
		add_decimal(md5, i == 0, n->of[i]);
}

static const char digits[] = "0123456789abcdef";

static void put_hex(const uint8_t *digest, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[digest[i] >> 4];
		*ret++ = digits[digest[i] & 15];
	}
	*ret = 0;
}

static void end_md5(struct md5_ctx *md5, char *ret)
{
	uint8_t digest[MD5_DIGEST_SIZE];

	md5_digest(md5, sizeof digest, digest);
	put_hex(digest, sizeof digest, ret);
}

/* version,ciphers,extensions,groups,points */
const char *ja3(const struct tls_hello *h, char ret[static JA_TEXT_MAX])
{
	struct bytes points = h->points;
	struct numbers n;
	struct md5_ctx md5;
	bool first = true;
	uint8_t point;

	md5_init(&md5);
	add_decimal(&md5, true, h->version);
	take_numbers(h->ciphers, &n);
	add_decimals(&md5, &n);
	take_types(h->extensions, &n);
	add_decimals(&md5, &n);
	take_numbers(h->groups, &n);
	add_decimals(&md5, &n);
	add_text(&md5, ",");
	for (; take_u8(&points, &point); first = false)
		add_decimal(&md5, first, point);
	end_md5(&md5, ret);
	return ret;
}

/* version,cipher,extensions */
const char *ja3s(const struct tls_hello *h, char ret[static JA_TEXT_MAX])
{
	struct bytes b = h->extensions;
	struct md5_ctx md5;
	bool first = true;
	struct numbers n;
	uint16_t type;

	md5_init(&md5);
	add_decimal(&md5, true, h->version);
	take_numbers(h->ciphers, &n); /* the one */
	add_decimals(&md5, &n);
	add_text(&md5, ",");
	for (; take_extension(&b, &type); first = false)
		add_decimal(&md5, first, type);
	end_md5(&md5, ret);
	return ret;
}

/* Of a heap: moves the one at `at` down to its place. */
static void sift(uint16_t *of, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		uint16_t moved = of[at];

		if (child + 1 < n && of[child + 1] > of[child])
			child++;
		if (of[child] <= moved)
			return;
		of[at] = of[child];
		of[child] = moved;
	}
}

/* Heapsort: no memory, and no order of a hostile hello takes it long. */
static void sort(struct numbers *n)
{
	for (size_t i = n->n / 2; i-- > 0;)
		sift(n->of, i, n->n);
	for (size_t i = n->n; i-- > 1;) {
		uint16_t largest = n->of[0];

		n->of[0] = n->of[i];
		n->of[i] = largest;
		sift(n->of, 0, i);
	}
}

/* before: what stands before the first; 0: nothing. */
static void add_hex(struct sha256_ctx *sha, char before,
		    const struct numbers *n)
{
	for (size_t i = 0; i < n->n; i++) {
		uint16_t v = n->of[i];
		const uint8_t text[] = {
			(uint8_t)(i ? ',' : before),
			(uint8_t)digits[v >> 12],
			(uint8_t)digits[v >> 8 & 15],
			(uint8_t)digits[v >> 4 & 15],
			(uint8_t)digits[v & 15],
		};
		bool none = i == 0 && !before;

		sha256_update(sha, sizeof text - none, text + none);
	}
}

static void end_sha(struct sha256_ctx *sha, char *ret)
{
	uint8_t digest[JA4_HASH_BYTES];

	sha256_digest(sha, sizeof digest, digest);
	put_hex(digest, sizeof digest, ret);
}

static const char *version_of(uint16_t version)
{
	switch (version) {
	case TLS_13: return "13";
	case TLS_12: return "12";
	case TLS_11: return "11";
	case TLS_10: return "10";
	case TLS_SSL3: return "s3";
	case TLS_SSL2: return "s2";
	default: return "00";
	}
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') ||
	       ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* First and last character of the first protocol, or of it in hex. */
static void put_alpn(const struct tls_hello *h, char ret[static 3])
{
	struct bytes b = h->alpn, name;
	char hex[3];
	uint8_t len;

	memcpy(ret, "00", 3);
	if (!take_u8(&b, &len) || len == 0 || !take_bytes(&b, len, &name))
		return;
	if (is_alnum(name.begin[0]) && is_alnum(name.end[-1])) {
		ret[0] = (char)name.begin[0];
		ret[1] = (char)name.end[-1];
		return;
	}
	put_hex(name.begin, 1, hex);
	ret[0] = hex[0];
	put_hex(name.end - 1, 1, hex);
	ret[1] = hex[1];
}

/* Without the two whose place would tell the site, not the client. */
static void leave_out(struct numbers *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++)
		if (n->of[i] != TLS_EXT_SNI && n->of[i] != TLS_EXT_ALPN)
			n->of[kept++] = n->of[i];
	n->n = kept;
}

static unsigned two_digits(size_t n)
{
	return n < COUNT_MAX ? (unsigned)n : COUNT_MAX;
}

const char *ja4(const struct tls_hello *h, char transport,
		char ret[static JA_TEXT_MAX])
{
	char ciphers[2 * JA4_HASH_BYTES + 1] = "000000000000";
	char others[2 * JA4_HASH_BYTES + 1] = "000000000000";
	unsigned n_ciphers, n_types;
	struct sha256_ctx sha;
	struct numbers n;
	char alpn[3];

	put_alpn(h, alpn);
	take_numbers(h->ciphers, &n);
	n_ciphers = two_digits(n.n);
	if (n.n > 0) {
		sort(&n);
		sha256_init(&sha);
		add_hex(&sha, 0, &n);
		end_sha(&sha, ciphers);
	}
	take_types(h->extensions, &n);
	n_types = two_digits(n.n);
	leave_out(&n);
	if (n.n > 0) {
		sort(&n);
		sha256_init(&sha);
		add_hex(&sha, 0, &n);
		take_numbers(h->sigalgs, &n); /* in their own order */
		add_hex(&sha, '_', &n);
		end_sha(&sha, others);
	}
	(void)snprintf(ret, JA_TEXT_MAX, "%c%s%c%02u%02u%s_%s_%s", transport,
		       version_of(tls_best(h)), h->has_sni ? 'd' : 'i',
		       n_ciphers, n_types, alpn, ciphers, others);
	return ret;
}
