// SPDX-License-Identifier: BSL-1.0
// The wake-up protocol of loop/mailbox.hpp and loop/doorbell.hpp: posters push, then ring if the loop
// said that it is about to wait. Until the first post arrives the loop does not look into the box
// at all: the bell has it look, and look in every turn from then on. Posters may come before the
// bell is there. Checked with spin: no post is left while the loop waits for ever, and a wait is
// ended at most once for each time that the loop fell asleep.
//
//   spin -run wake_up.pml                   must find no error
//   spin -DBROKEN -run wake_up.pml         must find one: looks first, then says that it waits
//   spin -DBROKEN_BEGIN -run wake_up.pml   looks into the box, then opens the bell
//   spin -DBROKEN_AWAKE -run wake_up.pml   is taken to be awake before it has ever looked
//   spin -DBROKEN_BELL -run wake_up.pml    looks into the box, then hears the bell
//   spin -DBROKEN_OUTSIDE -run wake_up.pml looks first, then says that it waits, when `poll` ends

#define POSTERS 3

byte pushed = 0;   // what is in the box
byte called = 0;
#ifdef BROKEN_AWAKE
bool asleep = false;
#else
bool asleep = true;
#endif
bool open = false;      // there is a bell
bool attached = false;  // the loop looks into the box in every turn
byte bell = 0;          // how often it has been rung and not been heard
byte sleeps = 1;
byte wakes = 0;

active [POSTERS] proctype poster() {
  bool had;
  atomic { pushed++; }
  if
  :: asleep ->
       atomic { had = asleep; asleep = false; }
       if
       :: had && open -> bell++; wakes++
       :: else
       fi
  :: else
  fi
}

// Others may ring, too: a `stop` that is over by then, a stale report.
active proctype other() {
  if
  :: bell++
  :: true
  fi
}

active proctype loop() {
#ifdef BROKEN_BEGIN
  if
  :: pushed > 0 -> attached = true
  :: else
  fi;
  open = true;
#else
  open = true;
  if
  :: pushed > 0 -> attached = true
  :: else
  fi;
#endif
  do
  :: called == POSTERS -> break
  :: else ->
       if
       :: attached ->
#ifdef BROKEN
            if
            :: pushed > 0
            :: else ->
                 asleep = true; sleeps++;
                 bell > 0 -> bell = 0
            fi
#else
            if
            :: asleep -> bell > 0 -> bell = 0
            :: else ->
                 asleep = true; sleeps++;
                 if
                 :: pushed > 0
                 :: else -> bell > 0 -> bell = 0
                 fi
            fi
#endif
       :: else ->
            bell > 0;
#ifdef BROKEN_BELL
            if
            :: pushed > 0 -> attached = true
            :: else
            fi;
            bell = 0
#else
            bell = 0;
            if
            :: pushed > 0 -> attached = true
            :: else
            fi
#endif
       fi;
       if
       :: attached ->
            asleep = false;
            atomic { called = called + pushed; pushed = 0; }
       :: else
       fi;
       // The loop goes on, or `poll` returns to somebody who waits for the poller's descriptor.
       if
       :: true
       :: !asleep ->
#ifdef BROKEN_OUTSIDE
            if
            :: pushed > 0 -> bell++
            :: else -> asleep = true; sleeps++
            fi
#else
            asleep = true; sleeps++;
            if
            :: pushed > 0 -> asleep = false; bell++
            :: else
            fi
#endif
       fi
  od;
  assert(wakes <= sleeps)
}
