/*
 * protobuf-c unpacks into memory that it asks for piece by piece. A message of
 * two-byte parts asks for fifty times its own length, hence the budget.
 */
#include "runtime/unpack.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"

static void *budget_alloc(void *budget, size_t size)
{
	size_t *left = budget;

	if (size > *left)
		return NULL;
	*left -= size;
	return malloc(size);
}

static void budget_free(void *budget, void *p)
{
	free(p);
}

void *unpack_message(const ProtobufCMessageDescriptor *type, const uint8_t *m,
		     size_t len, struct err *reterr)
{
	size_t left = RUNTIME_UNPACKED_MAX;
	ProtobufCAllocator a = { .alloc = budget_alloc,
				 .free = budget_free,
				 .allocator_data = &left };
	void *v = protobuf_c_message_unpack(type, &a, len, m);

	if (!v)
		(void)err_set(reterr, EBADMSG, NULL, "its answer is no %s",
			      type->short_name);
	return v;
}

/* Its pieces are malloc's, as those of the default allocator are. */
void unpack_free(void *message)
{
	if (message)
		protobuf_c_message_free_unpacked(message, NULL);
}
