/*
 * UNSET: a large local on a frame's way that is written before it is read; need not be
 * cleared first, as the release build does with all others (meson.build,
 * -ftrivial-auto-var-init). 32 of 245 ns a frame were that. Sanitizers and valgrind
 * still see what is read unset.
 */
#pragma once

#define UNSET __attribute__((uninitialized))
