// Reading aloud, by a voice that lies on the device: a voice of the network
// would send what it reads to somebody.

function voiceOf(language: string): SpeechSynthesisVoice | undefined {
  return globalThis.speechSynthesis?.getVoices().find((v) => v.localService && v.lang.split(/[-_]/)[0] === language);
}

export function canSpeak(language: string): boolean {
  return voiceOf(language) !== undefined;
}

export function speak(text: string, language: string): void {
  const voice = voiceOf(language);
  if (voice === undefined) return;
  hush();
  const said = new SpeechSynthesisUtterance(text);
  said.voice = voice;
  said.lang = voice.lang;
  speechSynthesis.speak(said);
}

export function hush(): void {
  globalThis.speechSynthesis?.cancel();
}
