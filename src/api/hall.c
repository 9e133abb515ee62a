/*
 * A connection is shut down (shutdown(2)), never closed here: its descriptor is
 * the HTTP library's, which finds it ended and tells so, and only then is it
 * another's.
 */
#include "api/hall.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/link.h"
#include "base/limits_api.h"

struct connection {
	struct connection *next, **at;
	int fd;
	struct in6_addr from; /* IPv4: mapped; IPv6: its /64 */
	char text[INET6_ADDRSTRLEN];
	bool local, known, left;
	usec_t ends;	   /* 0: never */
	struct link *asks; /* for it, just now; borrowed */
};

struct hall {
	pthread_mutex_t lock; /* of all */
	struct connection *all;
	struct hall_counts counts;
};

struct hall *hall_new(void)
{
	struct hall *h = calloc(1, sizeof *h);

	if (h)
		pthread_mutex_init(&h->lock, NULL);
	return h;
}

void hall_free(struct hall *h)
{
	if (!h)
		return;
	while (h->all)
		hall_leave(h, h->all);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static struct in6_addr address_of(const struct sockaddr *from)
{
	struct in6_addr a = { 0 };

	if (from->sa_family == AF_INET6) {
		a = ((const struct sockaddr_in6 *)(const void *)from)
			    ->sin6_addr;
	} else if (from->sa_family == AF_INET) {
		const struct in_addr *four =
			&((const struct sockaddr_in *)(const void *)from)
				 ->sin_addr;

		a.s6_addr[10] = a.s6_addr[11] = 0xff;
		memcpy(&a.s6_addr[12], four, sizeof *four);
	}
	return a;
}

static bool is_local(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) ||
	       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

/* A host has as many addresses of IPv6 as it likes: they are one. */
static struct in6_addr network_of(struct in6_addr a)
{
	if (!IN6_IS_ADDR_V4MAPPED(&a) && !IN6_IS_ADDR_LOOPBACK(&a))
		memset(&a.s6_addr[8], 0, 8);
	return a;
}

bool hall_may_enter(struct hall *h, const struct sockaddr *from)
{
	struct in6_addr a = network_of(address_of(from));
	size_t n = 0;
	bool may;

	pthread_mutex_lock(&h->lock);
	for (const struct connection *c = h->all; c; c = c->next)
		n += !c->known && IN6_ARE_ADDR_EQUAL(&c->from, &a);
	may = n < API_UNKNOWN_PER_ADDRESS;
	h->counts.refused += !may;
	pthread_mutex_unlock(&h->lock);
	return may;
}

struct connection *hall_enter(struct hall *h, int fd,
			      const struct sockaddr *from)
{
	struct connection *c = calloc(1, sizeof *c);
	struct in6_addr a = address_of(from);

	if (!c)
		return NULL;
	c->fd = fd;
	c->local = is_local(&a);
	c->from = network_of(a);
	if (IN6_IS_ADDR_V4MAPPED(&a))
		(void)inet_ntop(AF_INET, &a.s6_addr[12], c->text,
				sizeof c->text);
	else
		(void)inet_ntop(AF_INET6, &c->from, c->text, sizeof c->text);
	c->ends = usec_add(clock_now(), API_REQUEST_S * USEC_PER_SEC);
	pthread_mutex_lock(&h->lock);
	c->next = h->all;
	c->at = &h->all;
	if (c->next)
		c->next->at = &c->next;
	h->all = c;
	h->counts.connections++;
	pthread_mutex_unlock(&h->lock);
	return c;
}

void hall_leave(struct hall *h, struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&h->lock);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	h->counts.connections--;
	pthread_mutex_unlock(&h->lock);
	free(c);
}

void hall_expect(struct hall *h, struct connection *c, unsigned seconds)
{
	if (!c)
		return;
	pthread_mutex_lock(&h->lock);
	c->ends = seconds ? usec_add(clock_now(), seconds * USEC_PER_SEC)
			  : (usec_t){ 0 };
	pthread_mutex_unlock(&h->lock);
}

void hall_know(struct hall *h, struct connection *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&h->lock);
	c->known = true;
	pthread_mutex_unlock(&h->lock);
}

const char *hall_address(const struct connection *c)
{
	return c ? c->text : "?";
}

bool hall_is_local(const struct connection *c)
{
	return c && c->local;
}

/* The library does not look at a connection while it is suspended. */
static bool has_left(const struct connection *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

bool hall_asks(struct hall *h, struct connection *c, struct link *l)
{
	bool left;

	if (!c)
		return true;
	pthread_mutex_lock(&h->lock);
	left = c->left = has_left(c);
	c->asks = left ? NULL : l;
	pthread_mutex_unlock(&h->lock);
	return !left;
}

bool hall_answered(struct hall *h, struct connection *c)
{
	bool left;

	if (!c)
		return true;
	pthread_mutex_lock(&h->lock);
	left = c->left;
	c->asks = NULL;
	pthread_mutex_unlock(&h->lock);
	return !left;
}

void hall_sweep(struct hall *h, usec_t now)
{
	pthread_mutex_lock(&h->lock);
	for (struct connection *c = h->all; c; c = c->next) {
		if (c->asks && has_left(c)) {
			/* again each time: it may not have connected yet */
			link_hang_up(c->asks);
			c->left = true;
		}
		if (!c->ends.us || usec_before(now, c->ends))
			continue;
		/* it may have gone by itself */
		(void)shutdown(c->fd, SHUT_RDWR);
		c->ends = (usec_t){ 0 };
		h->counts.too_slow++;
	}
	pthread_mutex_unlock(&h->lock);
}

struct hall_counts hall_count(struct hall *h)
{
	struct hall_counts counts;

	pthread_mutex_lock(&h->lock);
	counts = h->counts;
	pthread_mutex_unlock(&h->lock);
	return counts;
}
