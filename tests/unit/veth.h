/* A pair of devices in the caller's network namespace, for tests of rings. */
#pragma once

/*
 * Moves the caller to a network namespace of its own. NULL, or what there is not of what
 * rings need: no right to such a namespace, an emulator without packet sockets.
 */
const char *veth_lacks(void);

/* Makes a and b, each other's end; both are up, and silent. */
void veth_make(const char *a, const char *b);
