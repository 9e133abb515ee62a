/*
 * A signature as it was read: what detect/sig_parse.h makes of a rule's text and
 * detect/sig_set.h compiles. docs/rules.md tells what each keyword means.
 *
 *   alert http any any -> $HOME_NET any ( ... http.uri; content:"/a"; ... )
 *   ------ ---- ------------------------     -------- ------------
 *   action proto src, dst                    group    item of it
 *
 * A group is all that is asked of one buffer. A signature matches when each of
 * its groups does, within one request or answer.
 *
 * All is plain data in its list's arena, immutable once read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/limits.h"
#include "proto/fields.h"

/* In the order in which they are carried out. */
enum sig_action { SIG_PASS, SIG_DROP, SIG_REJECT, SIG_ALERT, SIG_ACTION__MAX };

/* Beside fields: what a group can be about. */
enum sig_buffer {
	SIG_BUFFER_PAYLOAD = FIELD__MAX, /* bytes of TCP, a datagram */
	SIG_BUFFER_FILE, /* bodies: HTTP's of that side, mail's */
	SIG_BUFFER_NOTE, /* a note of a parser; it has no bytes */
	SIG_BUFFER__MAX
};

enum sig_transform {
	SIG_TO_LOWERCASE,
	SIG_TO_UPPERCASE,
	SIG_URL_DECODE,
	SIG_STRIP_WHITESPACE,
	SIG_COMPRESS_WHITESPACE,
	SIG_REPLACE_COMMENTS, /* ours: of SQL */
	SIG_FROM_BASE64,
	SIG_UNESCAPE, /* ours: of JSON, HTML and IIS; odd UTF-8 */
	SIG_TRANSFORM__MAX
};

enum sig_item_kind {
	SIG_CONTENT,
	SIG_PCRE,
	SIG_BYTE_TEST,
	SIG_BYTE_JUMP,
	SIG_BYTE_EXTRACT,
	SIG_ISDATAAT,
	SIG_BSIZE,
	SIG_BASE64, /* base64_decode; items_after are of base64_data */
};

/* A number, or a variable of byte_extract. */
struct sig_number {
	int32_t value;
	uint8_t variable; /* + 1; 0: it is value */
};

enum sig_compare { SIG_EQ, SIG_LT, SIG_GT, SIG_LE, SIG_GE, SIG_AND, SIG_XOR };

/* Of byte_test, byte_jump and byte_extract. */
struct sig_byte {
	uint8_t n_bytes; /* 0: as many digits as there are, of a string */
	uint8_t compare; /* byte_test; enum sig_compare */
	bool not ;
	bool little, string;
	uint8_t base; /* of a string: 8, 10, 16 */
	bool from_beginning, from_end;
	uint8_t align; /* 0, 2, 4: the jump goes on to a multiple */
	uint8_t to;    /* byte_extract: variable */
	uint32_t mask; /* 0: none; the result is shifted to its last bit */
	uint32_t multiplier; /* 1: as it is */
	int32_t post_offset;
	uint32_t against;	  /* byte_test: what it is compared with ... */
	uint8_t against_variable; /* ... or that variable + 1 */
};

enum sig_fast { SIG_FAST_NO, SIG_FAST_WHOLE, SIG_FAST_ONLY, SIG_FAST_CHOP };

struct sig_item {
	uint8_t kind; /* enum sig_item_kind */
	bool negated, nocase, rawbytes;
	bool relative; /* it goes on from where the last one ended */
	bool has_offset, has_depth, has_distance, has_within;
	bool startswith, endswith;
	uint8_t fast; /* enum sig_fast */
	uint16_t chop_offset, chop_len;
	uint16_t len; /* of bytes */
	/* content: what is looked for; pcre: the expression */
	const uint8_t *bytes;
	const char *pcre_flags; /* as written, without R and buffer letters */
	struct sig_number offset, depth, distance, within;
	struct sig_byte byte;
	/* isdataat (lo), bsize (lo..hi), base64 (lo: bytes, 0: all) */
	uint32_t lo, hi;
	struct sig_item *after; /* base64: what is asked of the result */
	uint16_t n_after;
};

struct sig_group {
	uint8_t buffer; /* enum proto_field or enum sig_buffer */
	uint8_t note;	/* enum proto_note */
	uint8_t n_transforms;
	uint8_t transforms[SIG_TRANSFORMS_MAX];
	bool variables; /* items use them: they are one chain */
	uint16_t n_items;
	struct sig_item *items;
};

struct sig_addr_range {
	struct ip_addr low, high;
	bool not ;
};
struct sig_port_range {
	uint16_t low, high;
	bool not ;
};
/* n == 0: any. Else: in one that is not `not` (if any is), and in no `not`. */
struct sig_addrs {
	struct sig_addr_range *ranges;
	uint16_t n;
};
struct sig_ports {
	struct sig_port_range *ranges;
	uint16_t n;
};

/* Bits of signature.transports. */
#define SIG_TCP	  0x01
#define SIG_UDP	  0x02
#define SIG_ICMP  0x04 /* and ICMPv6 */
#define SIG_OTHER 0x08
#define SIG_ALL	  0x0f

/* Bits of signature.flow. */
#define SIG_FLOW_TO_SERVER   0x01
#define SIG_FLOW_TO_CLIENT   0x02
#define SIG_FLOW_ESTABLISHED 0x04
#define SIG_FLOW_NOT_EST     0x08
#define SIG_FLOW_STATELESS   0x10
#define SIG_FLOW_ONLY_STREAM 0x20
#define SIG_FLOW_NO_STREAM   0x40

/* Asked of a packet's headers. */
enum sig_header {
	SIG_DSIZE,
	SIG_TTL,
	SIG_IP_PROTO,
	SIG_ITYPE,
	SIG_ICODE,
	SIG_TCP_FLAGS, /* lo: flags, hi: mask of what is ignored */
	SIG_SAME_IP,
	SIG_HEADER__MAX
};
/* How TCP flags are asked for: compare of SIG_TCP_FLAGS. */
enum sig_flags_how {
	SIG_FLAGS_EXACT,
	SIG_FLAGS_ALL,
	SIG_FLAGS_ANY,
	SIG_FLAGS_NOT
};

struct sig_header_test {
	uint8_t header;	 /* enum sig_header */
	uint8_t compare; /* enum sig_flags_how */
	bool not ;
	uint32_t lo, hi; /* both included */
};

enum sig_bit_verb {
	SIG_BIT_SET,
	SIG_BIT_UNSET,
	SIG_BIT_TOGGLE,
	SIG_BIT_ISSET,
	SIG_BIT_ISNOTSET,
};
struct sig_bit {
	uint8_t verb; /* enum sig_bit_verb */
	uint8_t n;    /* names; more than one: any of them is set */
	const char **names;
};

enum sig_rate_kind {
	SIG_RATE_NONE,
	SIG_RATE_LIMIT,	    /* the first `count` of a span are told */
	SIG_RATE_THRESHOLD, /* each count-th is told */
	SIG_RATE_BOTH,	    /* one a span, when count is reached */
	SIG_RATE_DETECTION, /* detection_filter: what is over count */
};
enum sig_track { SIG_BY_SRC, SIG_BY_DST, SIG_BY_RULE, SIG_BY_BOTH };
struct sig_rate {
	uint8_t kind, track;
	uint32_t count, seconds;
};

struct sig_more {
	const char *keyword, *value; /* reference, metadata, target */
	struct sig_more *next;
};

struct signature {
	const char *file;
	uint32_t line;
	uint32_t sid, gid, rev;
	/* The header as written: protocol, and both ends. */
	const char *protocol, *from_text, *from_ports_text, *to_text,
		*to_ports_text;
	uint8_t action;	      /* enum sig_action */
	uint8_t transports;   /* SIG_TCP ... */
	uint8_t family;	      /* 0, 4, 6 */
	bool packets, stream; /* tcp-pkt, tcp-stream */
	bool both_ways;
	bool noalert;
	uint8_t priority; /* 1..255, 1 is the worst */
	uint8_t flow;
	bool not_app;	 /* app-layer-protocol:!x */
	uint32_t app;	 /* of the header; 0: any */
	uint32_t on_app; /* app-layer-protocol; 0: any */
	struct sig_addrs from, to;
	struct sig_ports from_ports, to_ports;
	const char *msg, *classtype; /* "" */
	struct sig_more *more;
	struct sig_header_test *headers;
	struct sig_bit *bits;
	struct sig_group *groups;
	struct sig_rate rate, filter;
	uint8_t n_headers, n_bits, n_groups, n_variables;
	const char **variables;
};

/* "alert"; static storage. */
const char *sig_action_name(enum sig_action a);
