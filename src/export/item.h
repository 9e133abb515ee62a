/*
 * One line on its way to outputs: what it says as EVE, as a short text, and where
 * it came from. Immutable but for its count; several outputs have it at a time.
 */
#pragma once

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/limits_export.h"

/* X(NAME, "name", "EVE's event_type") */
#define ITEM_KINDS(X)                      \
	X(VIOLATION, "violation", "alert") \
	X(SIGNATURE, "signature", "alert") \
	X(DLP, "dlp", "alert")             \
	X(WAF, "waf", "alert")             \
	X(THREAT, "threat", "anomaly")     \
	X(STATE, "state", "engine")        \
	X(CHANGE, "change", "engine")      \
	X(FLOW, "flow", "flow")            \
	X(HTTP, "http", "http")            \
	X(TLS, "tls", "tls")               \
	X(DNS, "dns", "dns")               \
	X(STATS, "stats", "stats")

enum item_kind {
#define X(name, text, eve) ITEM_##name,
	ITEM_KINDS(X)
#undef X
		ITEM_KIND__MAX
};

#define ITEMS_ALL ((1u << ITEM_KIND__MAX) - 1)

/* Which number it has, and whose numbers those are. */
enum item_source { ITEM_OF_EVENTS, ITEM_OF_TRAIL, ITEM_OF_US };

/* Of a flow, for who wants it in numbers. */
struct item_flow {
	struct ip_addr client, server;
	uint16_t client_port, server_port;
	uint8_t proto, icmp_type, icmp_code, tcp_flags;
	bool blocked;
	uint32_t id;
	uint64_t first_us, last_us; /* since 1970 */
	uint64_t client_packets, server_packets, client_bytes, server_bytes;
	char application[32];
};

struct item {
	atomic_uint count;
	enum item_kind kind;
	enum item_source source;
	uint8_t severity; /* 1 info .. 5 critical; 0: it has none */
	uint64_t plane, number;
	uint64_t at_us; /* since 1970 */
	char *json;	/* owned, without a newline */
	size_t json_len;
	char *text; /* owned: one short line for people */
	char workload[512], rule[16];
	char hooks[EXPORT_HOOKS_MAX][EXPORT_NAME_MAX];
	unsigned n_hooks;
	bool has_flow;
	struct item_flow flow;
};

/* "violation"; "alert": EVE's event_type. Static storage. */
const char *item_kind_name(enum item_kind k);
const char *item_eve_name(enum item_kind k);
/* A bit each: of one kind, of an event_type, or "all"; 0: no such word. */
uint32_t item_kinds_of(const char *word);
/* ITEM_KIND__MAX: none has that name. */
enum item_kind item_kind_by_name(const char *name);
/* 1..5; 0: no such word. */
uint8_t item_severity_by_name(const char *name);

/* With a count of one; all else zero. NULL: out of memory. */
struct item *item_new(void);
struct item *item_get(struct item *i);
void item_put(struct item *i); /* NULL is accepted */
/* Bytes that it takes. */
size_t item_size(const struct item *i);
