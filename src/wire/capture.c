/*
 * Theory. The ring is bytes, a power of two of them, and counts that only rise:
 * the writer's, `head`, is the end of what is written, the reader's, `tail`, the
 * end of what is read. A record is a head and the frame's bytes, rounded up to
 * eight, and goes on at the ring's beginning where it meets the end.
 *
 *        tail                head
 *   ......|##########|########|..........      written: head - tail
 *
 * Each publishes its count with release and reads the other's with acquire. The
 * writer keeps its own beside the shared one and so does the reader, so what
 * the other side may write to is never the only copy. The size is sealed: a
 * reader that could cut the file off would kill the writer with a SIGBUS.
 */
#include "wire/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bug.h"

#define MAGIC	   0x57656972 /* of this layout: another one has another */
#define DATA_AT	   4096	      /* the ring's bytes begin there */
#define FILE_BYTES (DATA_AT + CAPTURE_RING_BYTES)
#define SEALS	   (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

_Static_assert((CAPTURE_RING_BYTES & (CAPTURE_RING_BYTES - 1)) == 0,
	       "a power of two");

/* Each side's in a cache line of its own. */
struct shared {
	uint32_t magic;
	_Atomic uint32_t end; /* enum capture_end */
	uint8_t apart[56];
	_Atomic uint64_t head, frames, lost;
	uint8_t apart2[40];
	_Atomic uint64_t tail;
};
_Static_assert(sizeof(struct shared) <= DATA_AT, "before the bytes");

struct record {
	uint32_t len; /* bytes kept */
	uint32_t reserved;
	struct capture_frame frame;
};
_Static_assert(sizeof(struct record) % 8 == 0, "records are rounded up");

struct capture_writer {
	struct shared *shared;
	uint8_t *data;
	uint64_t head;
	_Atomic uint64_t frames, lost;
	uint32_t snaplen; /* never 0 */
	int fd;
};

struct capture_reader {
	struct shared *shared;
	const uint8_t *data;
	uint64_t tail;
	bool mapped;		  /* by us */
	uint8_t bytes[FRAME_MAX]; /* of the frame last given away */
};

const char *capture_outcome_name(uint8_t outcome)
{
	static const char *const names[] = {
		[CAPTURE_DROPPED] = "drop",    [CAPTURE_FORWARDED] = "forward",
		[CAPTURE_HELD] = "held",       [CAPTURE_MADE] = "made",
		[CAPTURE_WATCHED] = "watched",
	};

	_Static_assert(sizeof names / sizeof *names == CAPTURE_OUTCOME__MAX,
		       "one name an outcome");
	return outcome < CAPTURE_OUTCOME__MAX ? names[outcome] : "?";
}

static uint64_t record_size(uint64_t len)
{
	return sizeof(struct record) + ((len + 7) & ~(uint64_t)7);
}

/* --- the writer --------------------------------------------------------- */

/* -errno; every page is there, so that a frame's way meets no page fault. */
static int make_file(void **ret_map)
{
	int fd = memfd_create("weir-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, FILE_BYTES) < 0)
		goto err_close;
	map = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		goto err_close;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		goto err_unmap;
	*ret_map = map;
	return fd;
err_unmap:
	(void)munmap(map, FILE_BYTES);
err_close:
	close(fd);
	return -ENOMEM;
}

struct capture_writer *capture_writer_new(uint32_t snaplen, struct err *reterr)
{
	struct capture_writer *w = calloc(1, sizeof *w);
	void *map = NULL;

	if (w)
		w->fd = make_file(&map);
	if (!w || w->fd < 0) {
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL,
			      "no memory for a ring of %u bytes",
			      CAPTURE_RING_BYTES);
		free(w);
		return NULL;
	}
	BUG_ON(!map);
	w->shared = map;
	w->data = (uint8_t *)map + DATA_AT;
	w->snaplen = snaplen ? snaplen : UINT32_MAX;
	w->shared->magic = MAGIC;
	return w;
}

void capture_writer_free(struct capture_writer *w)
{
	if (!w)
		return;
	(void)munmap(w->shared, FILE_BYTES);
	close(w->fd);
	free(w);
}

int capture_writer_fd(const struct capture_writer *w)
{
	return w->fd;
}

void *capture_writer_memory(const struct capture_writer *w)
{
	return w->shared;
}

static void copy_in(struct capture_writer *w, uint64_t at, const void *from,
		    size_t len)
{
	size_t begin = at % CAPTURE_RING_BYTES;
	size_t first = CAPTURE_RING_BYTES - begin;

	if (first > len)
		first = len;
	memcpy(w->data + begin, from, first);
	memcpy(w->data, (const uint8_t *)from + first, len - first);
}

/* Of the writer alone, so there is nothing to be lost between the two. */
static void count_one(_Atomic uint64_t *own, _Atomic uint64_t *shared)
{
	uint64_t n = atomic_load_explicit(own, memory_order_relaxed) + 1;

	atomic_store_explicit(own, n, memory_order_relaxed);
	atomic_store_explicit(shared, n, memory_order_relaxed);
}

void capture_put(struct capture_writer *w, const struct capture_frame *f,
		 struct bytes frame)
{
	struct shared *s = w->shared;
	uint64_t tail = atomic_load_explicit(&s->tail, memory_order_acquire);
	struct record r = { .frame = *f };
	uint64_t size, used = w->head - tail;

	r.len = bytes_len(frame) < w->snaplen ? (uint32_t)bytes_len(frame)
					      : w->snaplen;
	size = record_size(r.len);
	if (used > CAPTURE_RING_BYTES || CAPTURE_RING_BYTES - used < size) {
		count_one(&w->lost, &s->lost);
		return;
	}
	copy_in(w, w->head, &r, sizeof r);
	copy_in(w, w->head + sizeof r, frame.begin, r.len);
	w->head += size;
	count_one(&w->frames, &s->frames);
	atomic_store_explicit(&s->head, w->head, memory_order_release);
}

void capture_writer_end(struct capture_writer *w, enum capture_end why)
{
	atomic_store_explicit(&w->shared->end, (uint32_t)why,
			      memory_order_release);
}

struct capture_counts capture_writer_counts(const struct capture_writer *w)
{
	return (struct capture_counts){
		atomic_load_explicit(&w->frames, memory_order_relaxed),
		atomic_load_explicit(&w->lost, memory_order_relaxed),
	};
}

/* --- the reader --------------------------------------------------------- */

static struct capture_reader *reader_on(void *map, bool mapped)
{
	struct capture_reader *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->shared = map;
	r->data = (const uint8_t *)map + DATA_AT;
	r->mapped = mapped;
	return r;
}

struct capture_reader *capture_reader_beside(const struct capture_writer *w)
{
	return reader_on(w->shared, false);
}

struct capture_reader *capture_reader_new(int fd, struct err *reterr)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct capture_reader *r;
	struct stat st;
	void *map;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 ||
	    st.st_size != FILE_BYTES) {
		/* NULL says that it failed */
		(void)err_set(reterr, EPROTO, NULL,
			      "what came is no ring of this version's");
		return NULL;
	}
	map = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = map == MAP_FAILED ? NULL : reader_on(map, true);
	if (r && r->shared->magic == MAGIC)
		return r;
	(void)err_set(reterr, r ? EPROTO : ENOMEM, NULL,
		      r ? "what came is no ring of this version's"
			: "the ring cannot be mapped");
	if (!r && map != MAP_FAILED)
		(void)munmap(map, FILE_BYTES);
	capture_reader_free(r);
	return NULL;
}

void capture_reader_free(struct capture_reader *r)
{
	if (!r)
		return;
	if (r->mapped)
		(void)munmap(r->shared, FILE_BYTES);
	free(r);
}

static void copy_out(const struct capture_reader *r, uint64_t at, void *to,
		     size_t len)
{
	size_t begin = at % CAPTURE_RING_BYTES;
	size_t first = CAPTURE_RING_BYTES - begin;

	if (first > len)
		first = len;
	memcpy(to, r->data + begin, first);
	memcpy((uint8_t *)to + first, r->data, len - first);
}

bool capture_next(struct capture_reader *r, struct capture_frame *ret,
		  struct bytes *ret_bytes, bool *ret_broken)
{
	uint64_t head =
		atomic_load_explicit(&r->shared->head, memory_order_acquire);
	uint64_t there = head - r->tail;
	struct record rec;

	*ret_broken = false;
	if (there == 0)
		return false;
	if (there < sizeof rec || there > CAPTURE_RING_BYTES)
		goto broken;
	copy_out(r, r->tail, &rec, sizeof rec);
	if (rec.len > sizeof r->bytes || record_size(rec.len) > there)
		goto broken;
	copy_out(r, r->tail + sizeof rec, r->bytes, rec.len);
	r->tail += record_size(rec.len);
	atomic_store_explicit(&r->shared->tail, r->tail, memory_order_release);
	*ret = rec.frame;
	*ret_bytes = bytes_of(r->bytes, rec.len);
	return true;
broken:
	*ret_broken = true;
	return false;
}

struct capture_counts capture_reader_counts(const struct capture_reader *r)
{
	return (struct capture_counts){
		atomic_load_explicit(&r->shared->frames, memory_order_relaxed),
		atomic_load_explicit(&r->shared->lost, memory_order_relaxed),
	};
}

enum capture_end capture_reader_end(const struct capture_reader *r)
{
	uint32_t end =
		atomic_load_explicit(&r->shared->end, memory_order_acquire);

	return end == CAPTURE_WORKLOAD_GONE ? CAPTURE_WORKLOAD_GONE
					    : CAPTURE_GOES_ON;
}
