/* A pair of devices in the caller's network namespace, for tests of rings. */
#pragma once

/* Makes a and b, each other's end; both are up, and silent. */
void veth_make(const char *a, const char *b);
