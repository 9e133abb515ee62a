/*
 * ICMP and ICMPv6 echo from inside a network namespace, as ping(8) does it.
 * Needs CAP_NET_RAW there. Ends early when stop_wanted().
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/netns.h"

enum ping_outcome {
	PING_REPLY,
	PING_SILENCE,  /* nothing within timeout_ms */
	PING_REJECTED, /* an ICMP error came back */
};

struct ping_echo {
	enum ping_outcome outcome;
	uint16_t seq;	     /* from 1 */
	struct ip_addr from; /* who answered; not for PING_SILENCE */
	uint64_t rtt_us;
	uint8_t ttl;	    /* of the reply */
	uint8_t type, code; /* of the ICMP error */
};

struct ping_spec {
	const struct netns *ns; /* borrowed */
	struct ip_addr to;
	unsigned count;	      /* 1..1000 */
	unsigned interval_ms; /* from one echo to the next */
	unsigned timeout_ms;  /* for each reply */
	/* Called for each echo; may be NULL. */
	void (*on_echo)(const struct ping_echo *echo, void *arg);
	void *arg;
};

struct ping_result {
	uint16_t id; /* what the echoes carried */
	unsigned sent, received, rejected;
	uint64_t min_us, avg_us, max_us; /* of the replies; 0 without any */
};

#define PING_BYTES 64 /* ICMP header and payload, as ping(8) sends */

/*
 * 0 also when nothing came back; -errno when none could be sent; -EINTR when
 * stopped.
 */
int ping_run(const struct ping_spec *spec, struct ping_result *ret,
	     struct err *reterr);

/* "administratively prohibited": what an ICMP error means. Static storage. */
const char *ping_error_text(const struct ping_echo *echo);
