/*
 * DNS messages (RFC 1035): what was asked, and what was answered.
 *
 * dns_parse() reads a message to its end and says what it is; only what it
 * calls DNS_OK is read further. Then dns_next_answer() gives the records of
 * the answer section in their order.
 *
 * Names are text in lower case, labels with '.' between, none at the end; the
 * root is ".". A byte that is not printable ASCII, and a '.' or '\' inside of
 * a label, is written as '\' and three decimal digits: a '.' in the text is
 * always a border of labels.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/limits.h"

enum dns_type {
	DNS_TYPE_A = 1,
	DNS_TYPE_NS = 2,
	DNS_TYPE_CNAME = 5,
	DNS_TYPE_SOA = 6,
	DNS_TYPE_NULL = 10,
	DNS_TYPE_PTR = 12,
	DNS_TYPE_MX = 15,
	DNS_TYPE_TXT = 16,
	DNS_TYPE_AAAA = 28,
	DNS_TYPE_SRV = 33,
	DNS_TYPE_DNAME = 39,
	DNS_TYPE_SVCB = 64,
	DNS_TYPE_HTTPS = 65,
	DNS_TYPE_SPF = 99,
	DNS_TYPE_IXFR = 251,
	DNS_TYPE_AXFR = 252,
	DNS_TYPE_ANY = 255,
};

#define DNS_CLASS_IN	 1
#define DNS_OPCODE_QUERY 0
#define DNS_RCODE_OK	 0

/* Outcomes up to DNS_SHUNNED__LAST are no fault of the sender. */
enum dns_outcome {
	DNS_OK,
	DNS_RECORDS,   /* more than DNS_RECORDS_MAX of them */
	DNS_NAME_TEXT, /* a name's text is longer than DNS_TEXT_MAX - 1 */
	DNS_SHUNNED__LAST = DNS_NAME_TEXT,
	DNS_SHORT,     /* ends within a header, question, name or record */
	DNS_QUESTIONS, /* more than one question (RFC 9619) */
	DNS_LABEL,     /* a label of a sort that does not exist */
	DNS_POINTER,   /* does not point to before the name: a loop */
	DNS_NAME_LONG, /* more than 255 bytes */
	DNS_RDATA,     /* A, AAAA, CNAME: not filled exactly by its value */
	DNS_OUTCOME__MAX,
};

struct dns_name {
	uint16_t len; /* 1..DNS_TEXT_MAX - 1 */
	char text[DNS_TEXT_MAX];
};

struct dns_msg {
	struct bytes whole, answers; /* borrowed */
	uint16_t id;
	bool response, truncated;
	uint8_t opcode, rcode;
	bool has_question; /* else the next three are zero */
	uint16_t qtype, qclass;
	struct dns_name qname;
	uint16_t n_answers;
	uint16_t n_trailing; /* bytes behind the last record */
};

/* Where in the answers; begins as { 0 }. */
struct dns_cursor {
	uint16_t n;
	const uint8_t *at;
};

struct dns_record {
	struct dns_name owner;
	uint16_t type, class;
	uint32_t ttl_s;		/* 0..2^31-1 (RFC 2181 8) */
	struct ip_addr addr;	/* A and AAAA of class IN; else zero */
	struct dns_name target; /* CNAME of class IN; else len 0 */
	struct bytes data;	/* as sent; proto/dns_value.h makes it text */
};

/* Stable word for counters and texts, "pointer". */
const char *dns_outcome_name(enum dns_outcome o);
/* Nobody sends that who means well. */
static inline bool dns_is_malformed(enum dns_outcome o)
{
	return o > DNS_SHUNNED__LAST;
}

/*
 * The message as UDP carries it, or one of dns_take_framed(). *ret is written
 * only for DNS_OK and borrows from `message`.
 */
enum dns_outcome dns_parse(struct bytes message, struct dns_msg *ret);

/*
 * Takes the name at *b, which lies in the message `whole` (a pointer leads
 * anywhere in it). When not DNS_OK, *b and *ret are of no use.
 */
enum dns_outcome dns_take_name(struct bytes whole, struct bytes *b,
			       struct dns_name *ret);

/* false: that was the last one. m->whole must still be there, unchanged. */
bool dns_next_answer(const struct dns_msg *m, struct dns_cursor *c,
		     struct dns_record *ret);

/*
 * Over TCP each message stands behind its 2-byte length (RFC 1035 4.2.2).
 * Takes the first one that is there whole; else false, *stream as it was.
 */
bool dns_take_framed(struct bytes *stream, struct bytes *ret);
