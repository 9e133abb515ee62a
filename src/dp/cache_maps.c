#include "dp/cache_maps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "bpf/inplace.h"
#include "packet/packet.h"

#define SEEN_BYTES (INPLACE_FLOWS_MAX * sizeof(struct inplace_seen))

_Static_assert(CACHE_SLOTS_MAX == INPLACE_FLOWS_MAX, "a place for each slot");
_Static_assert((int)CACHE_IN == (int)INPLACE_IN &&
		       (int)CACHE_OUT == (int)INPLACE_OUT,
	       "the same ways");

struct cache_maps {
	int flows_fd;
	struct inplace_seen *seen; /* the kernel writes there, too */
};

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof *attr) < 0 ? -errno : 0;
}

static struct inplace_flow_key key_of(const struct cache_key *k)
{
	struct inplace_flow_key ret = { .mark = k->mark,
					.vlan = k->vlan,
					.proto = k->proto };
	struct outbytes own = outbytes_of(&ret.own_port, 2);
	struct outbytes peer = outbytes_of(&ret.peer_port, 2);

	memcpy(ret.own, k->own.b, sizeof ret.own);
	memcpy(ret.peer, k->peer.b, sizeof ret.peer);
	put_be16(&own, k->own_port);
	put_be16(&peer, k->peer_port);
	return ret;
}

/* By the time it is in the map, its counters have begun. */
static void begin_slot(struct inplace_seen *s, const struct cache_entry *e)
{
	memset(s, 0, sizeof *s);
	for (int i = 0; i < CACHE_WAY__MAX; i++)
		s->way[i].seq = e->seq[i];
}

static int put(void *arg, const struct cache_entry *e, bool fresh)
{
	struct cache_maps *m = arg;
	struct inplace_flow_key key = key_of(&e->key);
	struct inplace_flow value = {
		.generation = e->generation,
		.slot = e->slot,
		.verdict = e->drop ? INPLACE_VERDICT_DROP
				   : INPLACE_VERDICT_PASS,
	};
	union bpf_attr attr = { .map_fd = (uint32_t)m->flows_fd,
				.key = (uintptr_t)&key,
				.value = (uintptr_t)&value,
				.flags = BPF_ANY };

	if (fresh)
		begin_slot(&m->seen[e->slot], e);
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static int del(void *arg, const struct cache_key *k)
{
	struct cache_maps *m = arg;
	struct inplace_flow_key key = key_of(k);
	union bpf_attr attr = { .map_fd = (uint32_t)m->flows_fd,
				.key = (uintptr_t)&key };

	return bpf(BPF_MAP_DELETE_ELEM, &attr);
}

/* The kernel may be counting at this moment; nothing is read twice. */
#define READ(at) __atomic_load_n(&(at), __ATOMIC_RELAXED)

static void seen(void *arg, uint32_t slot, struct cache_seen *ret)
{
	const struct cache_maps *m = arg;
	uint64_t last = 0;

	for (int i = 0; i < CACHE_WAY__MAX; i++) {
		const struct inplace_seen_way *w = &m->seen[slot].way[i];
		uint64_t at = READ(w->last_ns);

		ret->way[i] = (struct cache_seen_way){
			.frames = READ(w->frames),
			.bytes = READ(w->bytes),
			.payload = READ(w->payload),
			.seq = READ(w->seq),
			.ack = READ(w->ack),
			.window = READ(w->window),
		};
		last = at > last ? at : last;
	}
	ret->last = (usec_t){ last / 1000 };
}

/* One by one; a key that is gone when it is asked for is the first again. */
static void remove_all(struct cache_maps *m)
{
	struct inplace_flow_key key;
	union bpf_attr first = { .map_fd = (uint32_t)m->flows_fd,
				 .next_key = (uintptr_t)&key };
	union bpf_attr one = { .map_fd = (uint32_t)m->flows_fd,
			       .key = (uintptr_t)&key };

	for (uint32_t i = 0; i < INPLACE_FLOWS_MAX; i++)
		if (bpf(BPF_MAP_GET_NEXT_KEY, &first) < 0 ||
		    bpf(BPF_MAP_DELETE_ELEM, &one) < 0)
			return;
}

struct cache_maps *cache_maps_new(int flows_fd, int seen_fd, struct err *reterr)
{
	struct cache_maps *m = calloc(1, sizeof *m);
	void *p = mmap(NULL, SEEN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		       seen_fd, 0);
	int code = p == MAP_FAILED ? errno : ENOMEM;

	close(seen_fd);
	if (p == MAP_FAILED || !m) {
		if (p != MAP_FAILED)
			(void)munmap(p, SEEN_BYTES);
		free(m);
		close(flows_fd);
		(void)err_set(reterr, code, NULL, "map the cache: %s",
			      strerror(code));
		return NULL;
	}
	m->flows_fd = flows_fd;
	m->seen = p;
	remove_all(m);
	return m;
}

void cache_maps_free(struct cache_maps *m)
{
	if (!m)
		return;
	/* what is mapped can be unmapped */
	(void)munmap(m->seen, SEEN_BYTES);
	close(m->flows_fd);
	free(m);
}

struct cache_kernel cache_maps_hooks(struct cache_maps *m)
{
	return (struct cache_kernel){ put, del, seen, m };
}
