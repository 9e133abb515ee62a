/*
 * A small capture: sees the ICMP echoes that pass a device, marked or not, as
 * tcpdump on that device would.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/netns.h"

struct seen {
	struct timespec when; /* wall clock */
	bool outgoing;	      /* the device sent it; else received it */
	uint32_t len_bytes;   /* whole frame */
	struct mac dst, src;
	uint16_t ethertype;
	struct ip_addr from, to;
	bool is_reply;
	uint16_t id, seq;
	uint32_t icmp_bytes;
};

/*
 * Starts to watch `dev` in ns. *ret_fd is the caller's to close(); frames wait
 * in it until they are taken.
 */
int watch_open(const struct netns *ns, const char *dev, int *ret_fd,
	       struct err *reterr);
/* The next echo seen; false: none is waiting. Other frames are passed over. */
bool watch_next(int fd, struct seen *ret);

/* Enough for the longest line of watch_format(). */
#define WATCH_LINE_MAX 256
/*
 * As `tcpdump -en` prints it, in two parts: up to "length 98:", and what
 * follows.
 */
void watch_format(const struct seen *s, char link[static WATCH_LINE_MAX],
		  char net[static WATCH_LINE_MAX]);
