// SPDX-License-Identifier: BSL-1.0
// The wake-up protocol of post_box.hpp: posters push, then wake the loop if it said that it is
// about to wait. Checked with spin: no post is left while the loop waits for ever, and a wait is
// ended at most once for each time that the loop fell asleep.
//
//   spin -run wake_up.pml              must find no error
//   spin -DBROKEN -run wake_up.pml    must find one: looks first, then says that it waits

#define POSTERS 3

byte pushed = 0;   // what is in the box
byte called = 0;
bool asleep = false;
byte waker = 0;    // how often the waker has been written and not been read
byte sleeps = 0;
byte wakes = 0;

active [POSTERS] proctype poster() {
  bool had;
  atomic { pushed++; }
  if
  :: asleep ->
       atomic { had = asleep; asleep = false; }
       if
       :: had -> waker++; wakes++
       :: else
       fi
  :: else
  fi
}

active proctype loop() {
  do
  :: called == POSTERS -> break
  :: else ->
#ifdef BROKEN
       if
       :: pushed > 0
       :: else ->
            asleep = true; sleeps++;
            waker > 0 -> waker = 0
       fi;
#else
       asleep = true; sleeps++;
       if
       :: pushed > 0
       :: else -> waker > 0 -> waker = 0
       fi;
#endif
       asleep = false;
       atomic { called = called + pushed; pushed = 0; }
  od;
  assert(wakes <= sleeps)
}
