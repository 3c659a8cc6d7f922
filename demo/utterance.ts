// SPDX-License-Identifier: MIT
//
// What kind of thing a message is, by a few rules for English. Decides what the scripted agent
// says, and what is worth remembering: what somebody tells, not what they ask.

export type UtteranceKind =
  'greeting' | 'thanks' | 'about-agent' | 'overview' | 'forget' | 'question' | 'statement';

const greeting =
  /^(hi|hello|hey|hiya|good (morning|afternoon|evening)|howdy|moin|servus)( there| again| everyone)?[\s!.,]*$/i;
const thanks =
  /^(many )?(thanks|thank you|thx|cheers|ok(ay)?|great|cool|nice|perfect|bye|goodbye|good night|see you)( so much| a lot| very much| again| then)?[\s!.,]*$/i;
const aboutAgent =
  /\b(who|what) are you\b|\bare you (an? )?(ai|bot|robot|human|real|llm|language model|chatgpt|person|script)\b|\bwhat can you do\b|\bhow do you work\b|^help\W*$/i;
const overview =
  /\b(what|which things?|everything|all)\b.*\b(you )?(know|remember|have) (of|about) me\b|\bwhat (do|can|else do) you (know|remember)\W*$|\bwhat (did|have) i (told|tell|said|say)( to)? you\W*( so far\W*)?$|\bwho am i\b/i;
const forget = /^(please |can you |could you )*(forget|delete|erase)\b/i;

const asksToTell =
  /^(please |can you |could you )*(tell|remind) me (again )?(what|where|who|when|which|why|how|whose|if|whether|about|of)\b/i;
const opener = /^(and|but|so|ok|please)$/;
const asked = /^(what|where|who|when|which|why|how|whose|whom)(['’]?s)?$/;
const askedOfNoun = /^(what|which|how|whose)$/;
const verb =
  /^(do|does|did|is|are|was|were|am|can|could|should|would|will|shall|have|has|had|may|might)(n['’]t)?$/;
const subject =
  /^(i|you|we|he|she|it|they|my|your|our|his|her|their|the|there|this|that|any\w+|some\w+)$/;

export function kindOf(text: string): UtteranceKind {
  const said = text.trim();
  if (greeting.test(said)) return 'greeting';
  if (thanks.test(said)) return 'thanks';
  if (overview.test(said)) return 'overview';
  if (aboutAgent.test(said)) return 'about-agent';
  if (forget.test(said)) return 'forget';
  return sentences(said).every(isQuestion) ? 'question' : 'statement';
}

/** Memories made of questions would be found by the same questions, before any answer to them. */
export function isWorthKeeping(text: string): boolean {
  return kindOf(text) === 'statement';
}

function isQuestion(sentence: string): boolean {
  if (/[?？؟]["'”’)\s]*$/.test(sentence)) return true;
  if (asksToTell.test(sentence)) return true;
  if (/[.!。！]["'”’)\s]*$/.test(sentence)) return false;
  const written = sentence.split(/[\s,]+/).filter((word) => word !== '');
  if (opener.test(written[0]?.toLowerCase() ?? '')) written.shift();
  const [first = '', second = ''] = written.map((word) => word.toLowerCase());
  // "Is Mia at home", "do I like tea"; but not "had a long day", "Will is my brother".
  if (verb.test(first)) return subject.test(second) || /^\p{Lu}/u.test(written[1] ?? '');
  // "Where does Mia live", "what's her name"; but not "when I was young", "what a day".
  if (!asked.test(first)) return false;
  if (first.endsWith('s') && first !== 'whose') return true;
  const between = askedOfNoun.test(first) ? 4 : 1; // "what kind of tea do I like"
  const at = written.findIndex((word, index) => index > 0 && verb.test(word.toLowerCase()));
  const hasSubjectBefore = written.slice(1, at).some((word) => subject.test(word.toLowerCase()));
  return at > 0 && at <= between && !hasSubjectBefore;
}

function sentences(text: string): string[] {
  return text.split(/(?<=[.!?。！？؟])\s+|\n+/).filter((sentence) => sentence.trim() !== '');
}
