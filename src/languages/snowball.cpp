// SPDX-License-Identifier: MIT
#include "languages/snowball.hpp"

#include <stem_UTF_8_dutch.h>
#include <stem_UTF_8_french.h>
#include <stem_UTF_8_german.h>
#include <stem_UTF_8_italian.h>
#include <stem_UTF_8_portuguese.h>
#include <stem_UTF_8_russian.h>
#include <stem_UTF_8_spanish.h>
#include <stem_UTF_8_swedish.h>

namespace agent_memory::languages {

// Words that say how a sentence is made, and nothing of what it is about. What is a noun or a verb
// as well stays searchable: fois, été, cosa, haar.
const SnowballLanguage kSnowball[kSnowballCount] = {
    {"german-1",
     "der die das den dem des ein eine einen einem einer eines ich mich mir du dich dir er ihn ihm "
     "sie ihr ihnen es wir uns euch man mein meine meinen meinem meiner dein deine deinen deinem "
     "deiner sein seine seinen seinem seiner ihre ihren ihrem ihrer unser unsere unseren euer eure "
     "dieser diese dieses diesen diesem jener jene jenes welche welcher welches welchen wer wen "
     "wem was wo wohin woher wann wie warum wieso weshalb und oder aber denn sondern dass daß ob "
     "wenn weil als damit obwohl während bis seit zu zum zur in im ins an am ans auf aus bei beim "
     "mit nach von vom vor für gegen ohne durch um über unter zwischen bin bist ist sind seid war "
     "warst waren gewesen habe hast hat haben habt hatte hatten gehabt werde wirst wird werden "
     "wurde wurden worden kann kannst können konnte konnten muss musst müssen musste soll sollte "
     "sollen will willst wollen wollte würde würden möchte nicht kein keine keinen keinem keiner "
     "auch nur noch schon sehr so da dort hier dann nun ja nein doch mal etwas sich",
     "äöüß", german_UTF_8_create_env, german_UTF_8_close_env, german_UTF_8_stem},
    {"french-1",
     "le la les un une des du de au aux je me moi tu te toi il elle on nous vous ils elles se soi "
     "lui leur leurs mon ma mes ton ta tes son sa ses notre nos votre vos ce cet cette ces ça cela "
     "celui celle ceux celles qui que quoi dont où quel quelle quels quelles quand comment "
     "pourquoi "
     "et ou mais donc or ni car si comme parce afin à dans en sur sous par pour avec sans chez "
     "vers "
     "entre depuis pendant avant après est es suis sommes êtes sont était étais étaient être "
     "sera serait ai as a avons avez ont avait avais avaient eu avoir aura aurait fait y ne pas "
     "plus jamais rien aussi très trop tout tous toute toutes même encore déjà ici là alors puis "
     "oui non",
     "àâçèêîïôùûœ", french_UTF_8_create_env, french_UTF_8_close_env, french_UTF_8_stem},
    {"spanish-1",
     "el la los las lo un una unos unas de del a al yo me mí tú te ti él ella ello nosotros "
     "vosotros ellos ellas usted ustedes nos os le les se sí mi mis tu tus su sus nuestro nuestra "
     "nuestros nuestras este esta esto estos estas ese esa eso esos esas aquel aquella aquello qué "
     "que quien quién quienes cual cuál cuales dónde donde cuándo cuando cómo como cuánto cuántos "
     "por porque para con sin en entre hacia hasta desde sobre y e o u ni pero sino si aunque "
     "mientras es soy eres somos son era eras eran fue fui fueron ser sido siendo será sería está "
     "estoy estás estamos están estaba estaban estar he has ha hemos han había habían haber hay no "
     "ya muy más menos también tampoco todo toda todos todas algo alguien alguno nada nadie así "
     "aquí allí ahí entonces tan",
     "ñáíóú¿", spanish_UTF_8_create_env, spanish_UTF_8_close_env, spanish_UTF_8_stem},
    {"portuguese-1",
     "o a os as um uma uns umas de do da dos das em no na nos nas ao aos à às por pelo pela pelos "
     "pelas eu me mim tu te ti ele ela eles elas você vocês nós vos lhe lhes se si meu minha meus "
     "minhas teu tua seu sua seus suas nosso nossa nossos nossas este esta isto estes estas esse "
     "essa isso esses essas aquele aquela aquilo que quê quem qual quais onde quando como porque "
     "para com sem entre até desde sobre e ou nem mas pois embora enquanto é és sou somos são era "
     "eras eram foi fui foram ser sido sendo será seria está estou estás estamos estão estava "
     "estavam estar há tem tenho temos têm tinha tinham ter tido não já muito mais menos também "
     "todo toda todos todas algo alguém nada ninguém assim aqui ali lá então só",
     "ãõáâçêíóôú", portuguese_UTF_8_create_env, portuguese_UTF_8_close_env, portuguese_UTF_8_stem},
    {"italian-1",
     "il lo la i gli le un uno una di del dello della dei degli delle a al allo alla ai agli alle "
     "da dal dallo dalla dai dagli dalle in nel nello nella nei negli nelle su sul sullo sulla sui "
     "sugli sulle con per tra fra io mi me tu ti te lui lei noi ci voi vi loro li ne si sé mio mia "
     "miei mie tuo tua tuoi tue suo sua suoi sue nostro nostra nostri nostre vostro vostra questo "
     "questa questi queste quello quella quelli quelle che chi cui quale quali dove quando come "
     "perché quanto e ed o oppure ma però se anche mentre è sono sei siamo siete era eri ero erano "
     "eravamo fu fui furono essere stato stata stati state sarà sarebbe ho hai ha abbiamo avete "
     "hanno aveva avevo avevano avere avuto non più meno già molto tutto tutta tutti tutte così "
     "qui "
     "qua lì là poi",
     "àèìòù", italian_UTF_8_create_env, italian_UTF_8_close_env, italian_UTF_8_stem},
    {"dutch-1",
     "de het een ik me mij je jij jou u hij hem zij ze wij we ons jullie hen hun mijn jouw zijn "
     "onze uw deze dit die dat wie wat welke welk waar wanneer hoe waarom waarheen en of maar want "
     "dus omdat als toen terwijl hoewel dan te ter ten in op aan van voor met naar bij uit over "
     "onder tussen door om tot tegen zonder na sinds ben bent is was waren geweest heb hebt heeft "
     "hebben had hadden gehad word wordt worden werd werden geworden kan kunt kunnen kon konden "
     "moet moeten moest zal zult zullen zou zouden wil wilt willen wilde mag mogen niet geen ook "
     "nog al wel er hier daar nu zo zeer heel alleen iets niets ja nee toch eens zich",
     "ëï", dutch_UTF_8_create_env, dutch_UTF_8_close_env, dutch_UTF_8_stem},
    {"swedish-1",
     "en ett den det de dem jag mig du dig han honom hon henne vi oss ni er man min mitt mina din "
     "ditt dina sin sitt sina hans hennes vår vårt våra ert era deras denna detta dessa vem vad "
     "vilken vilket vilka var vart när hur varför och eller men för att om som därför medan innan "
     "i "
     "på av med till från hos vid mot under över mellan genom utan efter är varit vara blir blev "
     "bli blivit har hade haft kan kunde ska skall skulle vill ville måste inte ingen inget inga "
     "också bara ännu redan mycket så där här då nu ja nej något någon några sig",
     "åäö", swedish_UTF_8_create_env, swedish_UTF_8_close_env, swedish_UTF_8_stem},
    {"russian-1",
     "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее "
     "мне "
     "было вот от меня еще нет о из ему теперь когда даже ну вдруг ли если уже или ни быть был "
     "него "
     "до вас нибудь опять уж вам ведь там потом себя ничего ей может они тут где есть надо ней для "
     "мы тебя их чем была сам чтоб без будто чего раз тоже себе под будет ж тогда кто этот того "
     "потому этого какой совсем ним здесь этом один почти мой моя мое мои тем чтобы нее были куда "
     "зачем всех никогда можно при наконец об другой хоть после над больше тот через эти нас про "
     "всего них какая много разве эту перед иногда том нельзя такой им более всегда конечно всю "
     "между это твой твоя твои свой своя свои наш наша наши ваш ваша ваши",
     "абвгдежзийклмнопрстуфхцчшщъыьэюя", russian_UTF_8_create_env, russian_UTF_8_close_env,
     russian_UTF_8_stem},
};

}  // namespace agent_memory::languages
