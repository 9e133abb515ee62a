/*
 * One run of `weir demo`: what all its steps share.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "cli/demo_state.h"
#include "cli/stream.h"
#include "cli/tale.h"
#include "net/netns.h"
#include "net/splice.h"

/* The article's names, addresses and marks. */
#define DEMO_HOST_DEV	   "vex-peer"
#define DEMO_CONTAINER_DEV "eth0"
#define DEMO_MARK	   0x00b4
#define DEMO_HOST_MAC	   "06:82:9c:02:54:91"
#define DEMO_CONTAINER_MAC "1a:27:f3:87:3a:27"
#define DEMO_UCMAC	   "4e:65:75:56:00:b4"
#define DEMO_BCMAC	   "ff:ff:ff:00:00:b4"

enum demo_family { DEMO_IP4, DEMO_IP6, DEMO_FAMILY__MAX };

struct demo_options {
	bool keep, here, ipv6, down;
	unsigned seconds; /* of each TCP stream, 1..3600 */
	bool redirector_auto;
	enum redirector redirector;
};

/* The default congestion control, and the one that hides no cost. */
enum demo_congctl { DEMO_CC_DEFAULT, DEMO_CC_CUBIC, DEMO_CC__MAX };

struct demo {
	struct demo_options opt;
	struct tale tale;
	struct demo_state state;
	struct netns ns[DEMO_ROLE__MAX]; /* fd -1: not open */
	struct splice_stat splice;
	bool spliced;
	/* us 0: was not measured */
	struct stream_result plain[DEMO_CC__MAX];
};

static inline unsigned demo_families(const struct demo *d)
{
	return d->opt.ipv6 ? 2 : 1;
}

/* 10.10.10.66, fd00:10:10:10::66; and .88 */
struct ip_addr demo_addr(enum demo_role role, enum demo_family family);
/* "host-ns2", or "this host". */
const char *demo_ns_name(const struct demo *d, enum demo_role role);
