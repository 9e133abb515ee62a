/*
 * Room on the disk that only documents and forgetting may use: a file of zeros,
 * DIR/reserve. When one of them finds the disk full, the file goes and it is
 * tried once more. As long as it cannot be had again nothing is recorded, or
 * flows would have taken that room in a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/db.h"

#define RESERVE "reserve"

int reserve_take(struct store *s, struct err *reterr)
{
	int fd;
	int code;

	if (s->has_reserve)
		return 0;
	fd = openat(s->dir, RESERVE,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return store_failed(s, errno, "recording", reterr);
	do
		code = posix_fallocate(fd, 0, STORE_RESERVE_BYTES);
	while (code == EINTR);
	/* a file system that cannot keep room is lived with */
	if (code == EINVAL || code == EOPNOTSUPP)
		code = 0;
	(void)close(fd); /* nothing was written */
	if (code == 0) {
		s->has_reserve = true;
		store_works(s);
		return 0;
	}
	/* what it got helps nobody */
	(void)unlinkat(s->dir, RESERVE, 0);
	return store_failed(s, code, "recording", reterr);
}

bool reserve_release(struct store *s)
{
	bool had = s->has_reserve && unlinkat(s->dir, RESERVE, 0) == 0;

	s->has_reserve = false;
	return had;
}
