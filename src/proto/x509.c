/*
 * Theory. A certificate is nested values in DER (X.690): a tag, a length, as
 * many bytes. der_take() takes one that lies wholly in what is left of the
 * one around it, so no length leads out. Only the way to the names is walked.
 *
 *   Certificate { TBSCertificate { [0] version, serial, algorithm, issuer,
 *       validity, subject, key, [1] [2] ids, [3] { extensions } }, ... }
 */
#include "proto/x509.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/der.h"

#define TAG_BOOLEAN    1
#define TAG_OID	       6
#define TAG_UNIVERSAL  0x1c /* UniversalString, UTF-32 */
#define TAG_BMP	       0x1e /* UTF-16 without pairs */
#define TAG_SET	       0x31
#define TAG_VERSION    0xa0 /* [0] */
#define TAG_EXTENSIONS 0xa3 /* [3] */
#define TAG_DNS_NAME   0x82 /* [2] of GeneralName */

/* 2.5.29.17, subjectAltName */
static const uint8_t alt_name[] = { 0x55, 0x1d, 0x11 };

/* The names of the extension subjectAltName, if there is one. */
static void find_names(struct bytes tbs, struct bytes *ret)
{
	struct bytes value, list, extension, oid;
	uint8_t tag;

	do {
		if (!der_take(&tbs, &tag, &value))
			return;
	} while (tag != TAG_EXTENSIONS);
	if (!der_take_tagged(&value, DER_SEQUENCE, &list))
		return;
	while (der_take_tagged(&list, DER_SEQUENCE, &extension)) {
		if (!der_take_tagged(&extension, TAG_OID, &oid))
			return;
		if (bytes_len(oid) != sizeof alt_name ||
		    memcmp(oid.begin, alt_name, sizeof alt_name) != 0)
			continue;
		(void)der_take_tagged(&extension, TAG_BOOLEAN, &value);
		if (der_take_tagged(&extension, DER_OCTETS, &value))
			(void)der_take_tagged(&value, DER_SEQUENCE, ret);
		return;
	}
}

bool x509_read(struct bytes certificate, struct x509 *ret)
{
	struct bytes outer, tbs, skipped;

	*ret = (struct x509){ 0 };
	if (!der_take_tagged(&certificate, DER_SEQUENCE, &outer) ||
	    !der_take_tagged(&outer, DER_SEQUENCE, &tbs))
		return false;
	/* there is none in version 1 */
	(void)der_take_tagged(&tbs, TAG_VERSION, &skipped);
	if (!der_take_tagged(&tbs, DER_INTEGER, &skipped) ||
	    !der_take_tagged(&tbs, DER_SEQUENCE, &skipped) ||
	    !der_take_tagged(&tbs, DER_SEQUENCE, &ret->issuer) ||
	    !der_take_tagged(&tbs, DER_SEQUENCE, &skipped) ||
	    !der_take_tagged(&tbs, DER_SEQUENCE, &ret->subject) ||
	    !der_take_tagged(&tbs, DER_SEQUENCE, &skipped))
		return false;
	find_names(tbs, &ret->names);
	return true;
}

/* By their last arc below 2.5.4 (RFC 4519, X.520). */
static const char *const attributes[] = {
	[3] = "CN",	   [4] = "SN",	   [5] = "serialNumber", [6] = "C",
	[7] = "L",	   [8] = "ST",	   [9] = "street",	 [10] = "O",
	[11] = "OU",	   [12] = "title", [17] = "postalCode",	 [42] = "GN",
	[43] = "initials",
};

static const struct {
	uint8_t len;
	uint8_t oid[10];
	const char *name;
} others[] = {
	{ 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 }, "emailAddress" },
	{ 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25 }, "DC" },
	{ 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1 }, "UID" },
};

static void put_text(struct outbytes *out, const char *s)
{
	put_copy(out, s, strlen(s));
}

/* "1.2.840.113549"; an arc of more than 32 bits ends it. */
static void put_numbers(struct bytes oid, struct outbytes *out)
{
	bool first = true;
	char text[32];
	uint64_t arc = 0;
	uint8_t c;

	while (take_u8(&oid, &c) && arc <= UINT32_MAX) {
		arc = arc << 7 | (c & 0x7f);
		if (c & 0x80)
			continue;
		if (first)
			(void)snprintf(
				text, sizeof text, "%u.%llu",
				arc < 80 ? (unsigned)arc / 40 : 2,
				(unsigned long long)(arc < 80 ? arc % 40
							      : arc - 80));
		else
			(void)snprintf(text, sizeof text, ".%llu",
				       (unsigned long long)arc);
		put_text(out, text);
		first = false;
		arc = 0;
	}
}

static void put_attribute(struct bytes oid, struct outbytes *out)
{
	size_t len = bytes_len(oid);
	const uint8_t *b = oid.begin;

	if (len == 3 && b[0] == 0x55 && b[1] == 4 &&
	    b[2] < sizeof attributes / sizeof *attributes && attributes[b[2]]) {
		put_text(out, attributes[b[2]]);
		return;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i].len == len &&
		    memcmp(others[i].oid, b, len) == 0) {
			put_text(out, others[i].name);
			return;
		}
	put_numbers(oid, out);
}

static void put_utf8(struct outbytes *out, uint32_t c)
{
	if (c < 0x80) {
		put_u8(out, (uint8_t)c);
	} else if (c < 0x800) {
		put_u8(out, (uint8_t)(0xc0 | c >> 6));
		put_u8(out, (uint8_t)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		put_u8(out, (uint8_t)(0xe0 | c >> 12));
		put_u8(out, (uint8_t)(0x80 | (c >> 6 & 63)));
		put_u8(out, (uint8_t)(0x80 | (c & 63)));
	} else {
		put_u8(out, (uint8_t)(0xf0 | (c >> 18 & 7)));
		put_u8(out, (uint8_t)(0x80 | (c >> 12 & 63)));
		put_u8(out, (uint8_t)(0x80 | (c >> 6 & 63)));
		put_u8(out, (uint8_t)(0x80 | (c & 63)));
	}
}

static void put_string(uint8_t tag, struct bytes s, struct outbytes *out)
{
	uint16_t c16;
	uint32_t c32;

	if (tag == TAG_BMP)
		while (take_be16(&s, &c16))
			put_utf8(out, c16);
	else if (tag == TAG_UNIVERSAL)
		while (take_be32(&s, &c32))
			put_utf8(out, c32);
	else
		put_copy(out, s.begin, bytes_len(s));
}

/* Name ::= SEQUENCE OF SET OF SEQUENCE { type OID, value string } */
void x509_put_name(struct bytes name, struct outbytes *out)
{
	struct bytes set, pair, oid, value;
	bool first = true;
	uint8_t tag;

	while (der_take_tagged(&name, TAG_SET, &set))
		while (der_take_tagged(&set, DER_SEQUENCE, &pair)) {
			if (!der_take_tagged(&pair, TAG_OID, &oid) ||
			    !der_take(&pair, &tag, &value))
				return;
			put_text(out, first ? "" : ", ");
			put_attribute(oid, out);
			put_text(out, "=");
			put_string(tag, value, out);
			first = false;
		}
}

bool x509_next_dns_name(struct bytes *names, struct bytes *ret)
{
	struct bytes value;
	uint8_t tag;

	while (der_take(names, &tag, &value))
		if (tag == TAG_DNS_NAME) {
			*ret = value;
			return true;
		}
	return false;
}
