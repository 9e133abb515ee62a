#include "agent/patient.h"

#include <poll.h>
#include <stdlib.h>

#define TRIES  100
#define TRY_MS 10

void *patient_calloc(size_t size)
{
	void *p;

	for (unsigned i = 0; !(p = calloc(1, size)) && i < TRIES; i++)
		(void)poll(NULL, 0, TRY_MS);
	return p;
}
