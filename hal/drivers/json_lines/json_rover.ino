// A rover on any Arduino, for robotd's driver `json_lines` in the dialect `plain`: one JSON object a line.
// What is said is written down in plain.py beside this file, and config/json-rover.yaml is a robot for it.
//
// Needs the library ArduinoJson 7 (Tools > Manage Libraries). Wire it as the pins below say, or change them.

#include <ArduinoJson.h>

const long BAUD = 115200;
const int VERSION = 1;                  // of the dialect
const size_t LONGEST_LINE = 512;

unsigned long deadman_ms = 500;         // until the host says otherwise
unsigned long report_ms = 50;

struct Motor { const char* name; int pwm_pin; int direction_pin; float duty; };
Motor motors[] = {{"left", 5, 4, 0}, {"right", 6, 7, 0}};

struct Lamp { const char* name; int pin; int level; };
Lamp lamps[] = {{"lamp", 13, 0}};

struct Switch { const char* name; int pin; int level; };
Switch switches[] = {{"bumper", 2, -1}};             // to ground, with the pull-up: 0 is pressed

struct Gauge { const char* name; int pin; float scale; };
Gauge gauges[] = {{"battery", A1, 0.0157}};          // volts for each count: a 1:3.2 divider at 5 V

struct Sonar { const char* name; int trigger_pin; int echo_pin; };
Sonar sonars[] = {{"front", 8, 9}};                  // HC-SR04

const float SOUND_M_US = 0.000343;
const unsigned long FARTHEST_US = 12000;             // 2 m, there and back: it must not hold up what comes

char line[LONGEST_LINE + 1];
size_t length = 0;
unsigned long set_at = 0;
unsigned long reported_at = 0;

template <typename T> void report(const char* name, T value) {
  Serial.print(F("{\"is\":{\""));
  Serial.print(name);
  Serial.print(F("\":"));
  Serial.print(value);
  Serial.println(F("}}"));
}

void report_duty(const Motor& motor) {
  Serial.print(F("{\"is\":{\""));
  Serial.print(motor.name);
  Serial.print(F("\":"));
  Serial.print(motor.duty, 3);
  Serial.println(F("}}"));
}

void report_all() {
  for (const Motor& motor : motors) report_duty(motor);
  for (const Lamp& lamp : lamps) report(lamp.name, lamp.level);
  for (Switch& one : switches) report(one.name, one.level = digitalRead(one.pin));
  for (const Gauge& gauge : gauges) report(gauge.name, analogRead(gauge.pin) * gauge.scale);
  for (const Sonar& sonar : sonars) {
    digitalWrite(sonar.trigger_pin, HIGH);
    delayMicroseconds(10);
    digitalWrite(sonar.trigger_pin, LOW);
    unsigned long echo_us = pulseIn(sonar.echo_pin, HIGH, FARTHEST_US);
    if (echo_us == 0) report(sonar.name, "null");
    else report(sonar.name, echo_us * SOUND_M_US / 2);
  }
}

void greet(bool started) {
  JsonDocument said;
  said["hello"] = "json_rover";
  said["version"] = VERSION;
  JsonArray has = said["has"].to<JsonArray>();
  for (const Motor& motor : motors) has.add(motor.name);
  for (const Lamp& lamp : lamps) has.add(lamp.name);
  for (const Switch& one : switches) has.add(one.name);
  for (const Gauge& gauge : gauges) has.add(gauge.name);
  for (const Sonar& sonar : sonars) has.add(sonar.name);
  if (started) said["started"] = 1;
  serializeJson(said, Serial);
  Serial.println();
}

void turn(Motor& motor, float duty) {
  motor.duty = duty;
  digitalWrite(motor.direction_pin, duty < 0 ? HIGH : LOW);
  analogWrite(motor.pwm_pin, round(fabs(duty) * 255));
}

void put_out(JsonObject values, long sum) {
  long found = 0;
  for (const Motor& motor : motors)
    if (values[motor.name].is<float>()) found += lround(values[motor.name].as<float>() * 1000);
  for (const Lamp& lamp : lamps)
    if (values[lamp.name].is<float>()) found += lround(values[lamp.name].as<float>() * 1000);
  if (found != sum) return;             // the line was disturbed
  set_at = millis();
  for (Motor& motor : motors)
    if (values[motor.name].is<float>()) {
      turn(motor, constrain(values[motor.name].as<float>(), -1.0f, 1.0f));
      report_duty(motor);
    }
  for (Lamp& lamp : lamps)
    if (values[lamp.name].is<float>()) {
      lamp.level = values[lamp.name].as<float>() > 0;
      digitalWrite(lamp.pin, lamp.level);
      report(lamp.name, lamp.level);
    }
}

void obey() {
  JsonDocument found;
  if (deserializeJson(found, line, length) || !found.is<JsonObject>()) return;
  if (found["hello"].is<int>()) greet(false);
  else if (found["ask"].is<int>()) report_all();
  else if (found["set"].is<JsonObject>() && found["sum"].is<long>()) put_out(found["set"], found["sum"]);
  else if (found["deadman_ms"].is<unsigned long>() && found["report_ms"].is<unsigned long>()) {
    deadman_ms = found["deadman_ms"];
    report_ms = found["report_ms"];
    serializeJson(found, Serial);
    Serial.println();
  }
}

void setup() {
  Serial.begin(BAUD);
  for (Motor& motor : motors) {
    pinMode(motor.pwm_pin, OUTPUT);
    pinMode(motor.direction_pin, OUTPUT);
    turn(motor, 0);
  }
  for (const Lamp& lamp : lamps) pinMode(lamp.pin, OUTPUT);
  for (const Switch& one : switches) pinMode(one.pin, INPUT_PULLUP);
  for (const Sonar& sonar : sonars) {
    pinMode(sonar.trigger_pin, OUTPUT);
    pinMode(sonar.echo_pin, INPUT);
  }
  greet(true);
}

void hear() {
  while (Serial.available()) {
    char next = Serial.read();
    if (next == '\n') {
      if (length <= LONGEST_LINE) obey();
      length = 0;
      return;                           // one line at a time: no flood of them holds up the deadman
    } else if (length < LONGEST_LINE) {
      line[length++] = next;
    } else {
      length = LONGEST_LINE + 1;        // too long: passed over whole
    }
  }
}

void loop() {
  hear();
  if (millis() - set_at > deadman_ms)
    for (Motor& motor : motors)
      if (motor.duty != 0) turn(motor, 0);
  for (Switch& one : switches)
    if (digitalRead(one.pin) != one.level) report(one.name, one.level = digitalRead(one.pin));
  if (millis() - reported_at >= report_ms) {
    reported_at = millis();
    report_all();
  }
}
