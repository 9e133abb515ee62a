/*
 * The trail: one record for each conversation that is over, and one for each
 * request of HTTP, handshake of TLS and message of DNS that was read, as others
 * who look at traffic write them down. A data plane makes it only when it has been
 * asked for (weir_trail). Host byte order; times on the data plane's clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/limits_trail.h"

enum trail_kind {
	TRAIL_FLOW, /* it is over */
	TRAIL_HTTP, /* a request, and its answer if that was read */
	TRAIL_TLS,  /* both hellos */
	TRAIL_DNS,  /* a question, or an answer */
	TRAIL_KIND__MAX
};

/* "flow", ...; "?" outside the enum. */
const char *trail_kind_name(uint8_t kind);

/*
 * X(NAME, "name", kind, several): what a record says in words, under that name in
 * JSON; several: it may come more than once.
 */
#define TRAIL_TEXTS(X)                            \
	X(HTTP_METHOD, "method", HTTP, 0)         \
	X(HTTP_HOST, "host", HTTP, 0)             \
	X(HTTP_URL, "url", HTTP, 0)               \
	X(HTTP_PROTOCOL, "protocol", HTTP, 0)     \
	X(HTTP_AGENT, "user_agent", HTTP, 0)      \
	X(HTTP_REFERER, "referer", HTTP, 0)       \
	X(HTTP_STATUS, "status", HTTP, 0)         \
	X(HTTP_TYPE, "content_type", HTTP, 0)     \
	X(TLS_SNI, "sni", TLS, 0)                 \
	X(TLS_OFFERED, "offered", TLS, 0)         \
	X(TLS_VERSION, "version", TLS, 0)         \
	X(TLS_CLIENT_ALPN, "client_alpn", TLS, 1) \
	X(TLS_SERVER_ALPN, "server_alpn", TLS, 1) \
	X(TLS_SUBJECT, "subject", TLS, 0)         \
	X(TLS_ISSUER, "issuer", TLS, 0)           \
	X(TLS_NAME, "name", TLS, 1)               \
	X(TLS_JA3, "ja3", TLS, 0)                 \
	X(TLS_JA3S, "ja3s", TLS, 0)               \
	X(TLS_JA4, "ja4", TLS, 0)                 \
	X(DNS_NAME, "rrname", DNS, 0)             \
	X(DNS_TYPE, "rrtype", DNS, 0)             \
	X(DNS_ANSWER, "answer", DNS, 1)

enum trail_text {
#define X(name, text, kind, several) TRAIL_TEXT_##name,
	TRAIL_TEXTS(X)
#undef X
		TRAIL_TEXT__MAX
};

const char *trail_text_name(enum trail_text t);
enum trail_kind trail_text_kind(enum trail_text t);
bool trail_text_is_several(enum trail_text t);

/* TRAIL_FLOW: what TCP's sides have sent. */
#define TRAIL_TCP_SYN 0x01
#define TRAIL_TCP_FIN 0x02
#define TRAIL_TCP_RST 0x04

struct trail_record {
	uint8_t kind; /* enum trail_kind */
	uint8_t proto, icmp_type, icmp_code;
	uint8_t action;	  /* enum policy_action */
	uint8_t reason;	  /* enum reason */
	uint8_t severity; /* of the threat */
	bool blocked;	  /* it was not to go on */
	uint16_t flags;	  /* SESSION_* */
	uint16_t endpoint;
	uint16_t application;
	uint16_t client_port, server_port; /* TCP, UDP, SCTP; else 0 */
	uint32_t flow_id, policy_id;
	uint32_t threat; /* the worst that the flow met so far; 0: none */
	struct mac ep_mac;
	struct ip_addr client, server;
	uint64_t first_us, last_us; /* of the flow; of what was said, at both */

	/* TRAIL_FLOW */
	uint64_t client_packets, server_packets;
	uint64_t client_bytes, server_bytes;
	uint8_t client_state, server_state; /* Linux' TCP_*; 0: none */
	uint8_t tcp_flags;		    /* TRAIL_TCP_* */

	/* TRAIL_DNS */
	bool response, truncated;
	uint8_t rcode;
	uint16_t dns_id;

	bool cut; /* not all of the text had room */
	uint16_t text_len;
	uint8_t text
		[TRAIL_TEXT_MAX]; /* enum trail_text, length, bytes; again */
};

/* Ahead of a text: which it is, and its length in two bytes. */
#define TRAIL_TEXT_HEAD 3
/* Adds it, or as much of it as has room. */
void trail_put(struct trail_record *r, enum trail_text t, struct bytes value);
/* How many of that are in it. */
unsigned trail_count(const struct trail_record *r, enum trail_text t);
/* The next text from *at (0 at first) on; false: that was the last. Borrowed. */
bool trail_next(const struct trail_record *r, uint16_t *at,
		enum trail_text *ret, struct bytes *ret_value);

/* The name of a Linux TCP state as others write it, "fin_wait1"; "" for 0. */
const char *trail_tcp_state(uint8_t state);
