package pdf

import "portolan/pdf/typeset"

// Widths of the pen that pictures are drawn with, in units of their square.
const (
	thin  = 1.2
	thick = 1.8
)

// Pictures are our own, drawn to be told apart in black at nine millimetres,
// after a few that people of many countries were shown to understand (USP
// pictograms; FIP PictoRx). Each stands beside its word and never in its place.
var (
	horizon = typeset.Drawn(thick, "M 2 18 L 22 18")
	halfSun = typeset.Drawn(thin, "M 6.5 18 C 6.5 10.6 17.5 10.6 17.5 18")
	rays    = typeset.Drawn(thin, "M 12 9.5 L 12 7 M 6.2 11.6 L 4.6 9.8 M 17.8 11.6 L 19.4 9.8")

	figureMorning = typeset.Figure{horizon, halfSun, rays, typeset.Drawn(thick, "M 12 5.5 L 12 1.5 M 10 3.3 L 12 1.2 L 14 3.3")}
	figureNoon    = typeset.Figure{typeset.Drawn(thin, "O 12 12 4.6"), typeset.Drawn(thick, "M 12 5 L 12 2 M 12 19 L 12 22 M 5 12 L 2 12 M 19 12 L 22 12 M 7.1 7.1 L 5 5 M 16.9 16.9 L 19 19 M 16.9 7.1 L 19 5 M 7.1 16.9 L 5 19")}
	figureEvening = typeset.Figure{horizon, typeset.Drawn(0, "M 6.5 18 C 6.5 10.6 17.5 10.6 17.5 18 Z"), typeset.Drawn(thick, "M 12 2 L 12 8 M 9.8 6 L 12 8.3 L 14.2 6")}
	figureNight   = typeset.Figure{typeset.Drawn(0, "M 15.5 3 C 9 3.5 5.5 10 8 15.5 C 10 20 15.5 21.8 20 19 C 14 18.6 11 14 11.6 9.5 C 12 6.6 13.4 4.4 15.5 3 Z"), typeset.Drawn(thin, "M 18.5 6.5 L 18.5 10.5 M 16.5 8.5 L 20.5 8.5")}

	plate      = typeset.Drawn(thin, "O 12 13 6 O 12 13 3.6")
	cutlery    = typeset.Drawn(thin, "M 3 5 L 3 9 M 5 5 L 5 9 M 3 9 L 5 9 M 4 9 L 4 21 M 4 5 L 4 9 M 20.5 21 L 20.5 5 C 18.8 7 18.8 11 20.5 13")
	figureMeal = typeset.Figure{plate, cutlery}
	// From above to below: there all scripts agree on what comes first.
	figurePre    = typeset.Figure{typeset.Drawn(thin, "M 8 2 L 16 2 C 18.4 2 18.4 6 16 6 L 8 6 C 5.6 6 5.6 2 8 2 M 12 2 L 12 6"), typeset.Drawn(thick, "M 12 7.4 L 12 10.6 M 10 8.9 L 12 10.9 L 14 8.9"), typeset.Drawn(thin, "O 12 17.3 5.4 O 12 17.3 3.2")}
	figurePost   = typeset.Figure{typeset.Drawn(thin, "O 12 6.7 5.4 O 12 6.7 3.2"), typeset.Drawn(thick, "M 12 13.4 L 12 16.6 M 10 14.9 L 12 16.9 L 14 14.9"), typeset.Drawn(thin, "M 8 18.3 L 16 18.3 C 18.4 18.3 18.4 22.3 16 22.3 L 8 22.3 C 5.6 22.3 5.6 18.3 8 18.3 M 12 18.3 L 12 22.3")}
	figureMouth  = typeset.Figure{typeset.Drawn(thin, "M 15.5 8.4 C 14 3.5 8.5 1.6 5 4.6 C 1.5 7.6 1.6 12.4 3.6 15 L 3.6 22 M 15.5 8.4 L 17.4 11.2 L 15.2 11.8 L 10.6 13.4 L 14.6 15 C 14.6 18 13 18.6 10.4 18.4 L 10.4 22"), typeset.Drawn(0, "O 10.6 8 1"), typeset.Drawn(thin, "M 18 13.2 L 22 13.2 C 23.4 13.2 23.4 15.8 22 15.8 L 18 15.8 C 16.6 15.8 16.6 13.2 18 13.2 M 20 13.2 L 20 15.8")}
	figureNeedle = typeset.Figure{typeset.Drawn(thick, "M 2 22 L 7 17"), typeset.Drawn(thin, "M 6 15 L 15 6 L 18 9 L 9 18 Z M 9.5 14.5 L 11.5 16.5 M 12 12 L 14 14"), typeset.Drawn(thick, "M 16.5 7.5 L 20.5 3.5 M 18.5 1.5 L 22.5 5.5")}

	skin          = typeset.Drawn(thick, "M 2 18 C 5 16 7 16 9.5 18 C 12 20 14.5 20 17 18 C 19 16.6 20.5 16.6 22 17.6")
	drop          = "M 12 3 C 14.5 7 16 8.6 16 10.6 C 16 15.4 8 15.4 8 10.6 C 8 8.6 9.5 7 12 3 Z"
	figureSkin    = typeset.Figure{skin, typeset.Drawn(thin, drop)}
	figurePatch   = typeset.Figure{skin, typeset.Drawn(thin, "M 5 6 L 19 6 L 19 14 L 5 14 Z M 9 6 L 9 14 M 15 6 L 15 14"), typeset.Drawn(0, "O 11 9 0.7 O 13 9 0.7 O 11 11 0.7 O 13 11 0.7")}
	figureEye     = typeset.Figure{typeset.Drawn(thin, "M 2 16 C 7 9.5 17 9.5 22 16 C 17 22 7 22 2 16 Z O 12 16 3"), typeset.Drawn(0, "M 12 1.5 C 13.6 4 14.4 5 14.4 6.2 C 14.4 9.2 9.6 9.2 9.6 6.2 C 9.6 5 10.4 4 12 1.5 Z")}
	figureEar     = typeset.Figure{typeset.Drawn(thin, "M 8 21 C 5 19 8 17 6.5 13.5 C 4 6 9 2.5 13 3.2 C 18 4 19.5 9.5 16.5 13 C 14 16 14.5 18.5 12.5 20.5 C 11.2 21.8 9.4 21.9 8 21 M 9.5 10 C 9.5 5.5 15 5.8 14.6 9.6 C 14.2 12 11 11.5 11.4 15"), typeset.Drawn(0, "M 20.5 2 C 21.7 4 22.4 4.8 22.4 5.8 C 22.4 8.2 18.6 8.2 18.6 5.8 C 18.6 4.8 19.3 4 20.5 2 Z")}
	figureBreath  = typeset.Figure{typeset.Drawn(thin, "M 12.5 3 L 19.5 3 L 19.5 20 L 8.5 20 L 8.5 15.5 L 12.5 15.5 Z M 12.5 7 L 19.5 7"), typeset.Drawn(0, "O 5.5 16 1 O 5.5 19.5 1 O 2.5 14.8 1 O 2.5 17.8 1 O 2.5 20.8 1")}
	figureClock   = typeset.Figure{typeset.Drawn(thin, "O 12 12 9.5"), typeset.Drawn(thick, "M 12 6 L 12 12 L 16 14.5")}
	figureDays    = typeset.Figure{typeset.Drawn(thin, "M 3 5 L 21 5 L 21 21 L 3 21 Z M 3 10 L 21 10"), typeset.Drawn(thick, "M 8 2.5 L 8 6.5 M 16 2.5 L 16 6.5"), typeset.Drawn(0, "O 8 13.5 1.1 O 12 13.5 1.1 O 16 13.5 1.1 O 8 17.5 1.1 O 12 17.5 1.1")}
	figureCold    = typeset.Figure{typeset.Drawn(thin, "M 12 2 L 12 22 M 3.3 7 L 20.7 17 M 20.7 7 L 3.3 17 M 9.5 3.5 L 12 6 L 14.5 3.5 M 9.5 20.5 L 12 18 L 14.5 20.5 M 3.4 10.4 L 6.8 9 L 6.2 5.4 M 20.6 13.6 L 17.2 15 L 17.8 18.6 M 20.6 10.4 L 17.2 9 L 17.8 5.4 M 3.4 13.6 L 6.8 15 L 6.2 18.6")}
	figureAllergy = typeset.Figure{typeset.Drawn(thick, "M 12 2.5 L 22 20.5 L 2 20.5 Z"), typeset.Drawn(2.4, "M 12 9 L 12 14"), typeset.Drawn(0, "O 12 17.4 1.3")}
	figureSpeech  = typeset.Figure{typeset.Drawn(thin, "M 2 3 L 14 3 L 14 11 L 8 11 L 5 14 L 5 11 L 2 11 Z M 16.5 9 L 22 9 L 22 17 L 19.5 17 L 19.5 20.5 L 16 17 L 10 17 L 10 13.5"), typeset.Drawn(thin, "M 4.5 6 L 11.5 6 M 4.5 8.3 L 9 8.3 M 13 13.5 L 19 13.5")}
	figureClinic  = typeset.Figure{typeset.Drawn(thin, "M 3 9 L 12 2.5 L 21 9 L 21 21.5 L 3 21.5 Z"), typeset.Drawn(2.6, "M 12 9.5 L 12 17.5 M 8 13.5 L 16 13.5")}
	figureHome    = typeset.Figure{typeset.Drawn(thin, "M 2 11.5 L 12 3 L 22 11.5 M 5 9.5 L 5 21 L 19 21 L 19 9.5 M 10 21 L 10 14.5 L 14 14.5 L 14 21")}
	figurePhone   = typeset.Figure{typeset.Drawn(0, "M 5 2.5 L 9 2.5 L 10.5 7.5 L 8 9.5 C 9.4 12.4 11.6 14.6 14.5 16 L 16.5 13.5 L 21.5 15 L 21.5 19 C 21.5 20.6 20.4 21.5 19 21.5 C 10 21 3 14 2.5 5 C 2.5 3.6 3.4 2.5 5 2.5 Z")}
	figureDate    = typeset.Figure{typeset.Drawn(thin, "M 12 2.5 L 12 20 M 6 20.5 L 18 20.5 M 4 6 L 20 6 M 4 6 L 1.5 12.5 L 6.5 12.5 Z M 20 6 L 17.5 12.5 L 22.5 12.5 Z"), typeset.Drawn(0, "M 1.5 12.5 C 1.5 16 6.5 16 6.5 12.5 Z M 17.5 12.5 C 17.5 16 22.5 16 22.5 12.5 Z O 12 3 1.3")}
	figurePerson  = typeset.Figure{typeset.Drawn(thin, "O 12 7 4.3 M 3.5 21.5 C 3.5 11.5 20.5 11.5 20.5 21.5 Z")}
	figureChild   = typeset.Figure{typeset.Drawn(thin, "O 8 5 3 O 17.5 10.5 2.3 M 8 8 L 8 15 L 5 22 M 8 15 L 11 22 M 3 11.5 L 8 10 L 14.5 14.5 M 17.5 12.8 L 17.5 17.5 L 15.5 22 M 17.5 17.5 L 19.5 22 M 14.5 14.5 L 17.5 14 L 21 16")}
	figurePlan    = typeset.Figure{typeset.Drawn(thick, "M 5 2.5 L 5 22"), typeset.Drawn(thin, "M 5 4 L 19 4 L 15.5 8 L 19 12 L 5 12")}
	figureHands   = typeset.Figure{typeset.Drawn(thin, "O 6.5 6 3 O 17.5 6 3 M 1.5 20 C 1.5 10.5 8.5 10 11 13.5 L 13 13.5 C 15.5 10 22.5 10.5 22.5 20"), typeset.Drawn(thick, "M 9 16.5 L 15 16.5")}
	figureAgreed  = typeset.Figure{typeset.Drawn(thin, "M 4 2.5 L 16 2.5 L 20 6.5 L 20 21.5 L 4 21.5 Z"), typeset.Drawn(thick, "M 8 13 L 11 16.5 L 16.5 9.5")}
	figureTear    = typeset.Figure{typeset.Drawn(thin, "M 3 2.5 L 10 2.5 L 8 7 L 11 11 L 8 16 L 10 21.5 L 3 21.5 Z M 13.5 2.5 L 21 2.5 L 21 21.5 L 13.5 21.5 L 11.5 16 L 14.5 11 L 11.5 7 Z")}
	figurePills   = typeset.Figure{typeset.Drawn(thin, "M 4.5 13.5 L 12.5 5.5 C 14.5 3.5 17 3.5 18.7 5.3 C 20.5 7 20.5 9.5 18.5 11.5 L 10.5 19.5 C 8.5 21.5 6 21.5 4.3 19.7 C 2.5 18 2.5 15.5 4.5 13.5 Z M 8.5 9.5 L 14.5 15.5")}
)

// timesADay is a sun with as many pills beneath it.
func timesADay(n int) typeset.Figure {
	f := typeset.Figure{typeset.Drawn(thin, "O 12 8 3.4"), typeset.Drawn(thin, "M 12 2.8 L 12 1.2 M 6.8 8 L 5.2 8 M 17.2 8 L 18.8 8 M 8.3 4.3 L 7.2 3.2 M 15.7 4.3 L 16.8 3.2")}
	places := []string{"", "O 12 18 2.3", "O 8.5 18 2.3 O 15.5 18 2.3", "O 5.5 18 2.3 O 12 18 2.3 O 18.5 18 2.3", "O 3.3 18 2.2 O 9.1 18 2.2 O 14.9 18 2.2 O 20.7 18 2.2"}
	return append(f, typeset.Drawn(0, places[n]))
}
