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

/* In place: the workload, and how the host reaches it. */
#define DEMO_BRIDGE  "web-br"
#define DEMO_WEB_DEV "veth-web" /* the host's end; the other is eth0 */
#define DEMO_WEB_MAC "1a:27:f3:87:3a:99"

enum demo_family { DEMO_IP4, DEMO_IP6, DEMO_FAMILY__MAX };

struct demo_options {
	bool keep, here, ipv6, down;
	unsigned seconds; /* of each TCP stream, 1..3600 */
	bool redirector_auto;
	enum redirector redirector;
};

/* The default congestion control, and the one that hides no cost. */
enum demo_congctl { DEMO_CC_DEFAULT, DEMO_CC_CUBIC, DEMO_CC__MAX };

/* What is measured. */
enum demo_rate {
	DEMO_RATE_WIRE, /* one veth pair, undiverted */
	DEMO_RATE_SPLICED,
	DEMO_RATE_BRIDGE,  /* over the bridge, undiverted */
	DEMO_RATE_INPLACE, /* each frame goes through weir-dp */
	DEMO_RATE_CACHED,  /* flows are given back to the kernel */
	DEMO_RATE__MAX
};

struct demo {
	struct demo_options opt;
	struct tale tale;
	struct demo_state state;
	struct netns ns[DEMO_ROLE__MAX]; /* fd -1: not open */
	enum demo_layout layout;	 /* which one is told of now */
	struct splice_stat splice;
	bool spliced;
	struct stream *stream; /* runs beside the steps; NULL: none */
	json_int_t tapped;     /* weir-dp's number of that stream's flow */
	/* us 0: was not measured */
	struct stream_result rate[DEMO_RATE__MAX][DEMO_CC__MAX];
};

static inline unsigned demo_families(const struct demo *d)
{
	return d->opt.ipv6 ? 2 : 1;
}

/* Whose traffic is diverted, and where the data plane is. */
static inline enum demo_role demo_workload(const struct demo *d)
{
	return d->layout == DEMO_INPLACE ? DEMO_WEB : DEMO_CONTAINER;
}

static inline enum demo_role demo_dp_role(const struct demo *d)
{
	return d->layout == DEMO_INPLACE ? DEMO_HOST : DEMO_AGENT;
}

static inline const char *demo_mac(const struct demo *d)
{
	return d->layout == DEMO_INPLACE ? DEMO_WEB_MAC : DEMO_CONTAINER_MAC;
}

/* The workload's: 10.10.10.88, fd00:10:10:10::88; 10.10.20.88, ... */
struct ip_addr demo_addr(enum demo_layout layout, enum demo_family family);
/* The host's in the same network: .66 */
struct ip_addr demo_host_addr(enum demo_layout layout, enum demo_family family);
/* "host-ns2", or "this host". */
const char *demo_ns_name(const struct demo *d, enum demo_role role);
