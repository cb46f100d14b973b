using AirMLNet.Weights;

namespace AirMLNet.Clip;

/// <summary>
/// The architecture that weights imply when a folder has no configuration. Heads cannot be seen in shapes: every
/// published model of this kind has heads of width 64. The activation cannot be seen either: weights that come without
/// a configuration are OpenAI's or like them, hence QuickGELU.
/// </summary>
internal static class ClipShapes
{
    private const int HeadWidth = 64;

    public static ClipConfig Infer(WeightFiles files, ClipWeightNames names)
    {
        long[] Shape(string parameter, int rank)
        {
            var source = names.Locate(parameter);
            if (!files.Contains(source.Name))
            {
                throw new InvalidDataException(
                    $"{files.Description}: tensor \"{source.Name}\" is missing, and there is no config.json beside it."
                );
            }
            var shape = files.Shape(source.Name);
            if (shape.Length != rank || shape.Any(d => d is < 1 or > int.MaxValue))
            {
                throw new InvalidDataException(
                    $"{files.Description}: tensor \"{source.Name}\" is [{string.Join(", ", shape)}]; {rank} dimensions were expected."
                );
            }
            return source.Transposed ? [.. shape.Reverse()] : shape;
        }

        if (files.Names.Any(n => n.StartsWith("visual.trunk.", StringComparison.Ordinal)))
        {
            throw new InvalidDataException(
                $"{files.Description}: the image tower is one of timm's; an open_clip_config.json beside it must say which, and the "
                    + $"size of its images."
            );
        }

        var tokens = Shape("text_model.embeddings.token_embedding.weight", 2); // [V, W]
        var textWidth = (int)tokens[1];
        var text = new ClipTextConfig
        {
            HiddenSize = textWidth,
            IntermediateSize = (int)Shape("text_model.encoder.layers.0.mlp.fc1.weight", 2)[0],
            Layers = Layers("text"),
            Heads = Heads(textWidth, "text"),
            ContextLength = (int)Shape("text_model.embeddings.position_embedding.weight", 2)[0],
            VocabularySize = (int)tokens[0],
        };
        if (names.IsResNet)
        {
            var stages = Enumerable.Range(1, 4).Select(Blocks).ToArray();
            var width = Shape("visual.layer1.0.conv1.weight", 4)[0];
            return new ClipConfig
            {
                ActivationStated = false,
                ProjectionDim = (int)Shape("visual.attnpool.c_proj.weight", 2)[0],
                Vision = new ClipResNetConfig(checked((int)width), stages[0], stages[1], stages[2], stages[3]).Tower(
                    checked(32 * Grid(Shape("visual.attnpool.positional_embedding", 2)[0]))
                ),
                Text = text,
            };
        }
        var patch = Shape("vision_model.embeddings.patch_embedding.weight", 4); // [W, 3, P, P]
        var visionPositions = Shape("vision_model.embeddings.position_embedding.weight", 2)[0];
        var grid = Grid(visionPositions);
        var visionWidth = (int)patch[0];
        return new ClipConfig
        {
            ActivationStated = false,
            ProjectionDim = (int)Shape("visual_projection.weight", 2)[0],
            Vision = new ClipVisionConfig
            {
                HiddenSize = visionWidth,
                IntermediateSize = (int)Shape("vision_model.encoder.layers.0.mlp.fc1.weight", 2)[0],
                Layers = Layers("vision"),
                Heads = Heads(visionWidth, "image"),
                Channels = (int)patch[1],
                PatchSize = (int)patch[2],
                ImageSize = checked(grid * (int)patch[2]),
            },
            Text = text,
        };

        int Grid(long positions)
        {
            var grid = (int)Math.Round(Math.Sqrt(positions - 1));
            return grid >= 1 && (long)grid * grid == positions - 1
                ? grid
                : throw new InvalidDataException(
                    $"{files.Description}: {positions} image positions are not one more than a square number."
                );
        }

        int Blocks(int stage)
        {
            var count = 0;
            while (files.Contains($"visual.layer{stage}.{count}.conv1.weight"))
            {
                count++;
            }
            return count;
        }

        int Layers(string tower)
        {
            var count = 0;
            while (files.Contains(names.Locate($"{tower}_model.encoder.layers.{count}.layer_norm1.weight").Name))
            {
                count++;
            }
            return count;
        }

        int Heads(int width, string tower) =>
            width % HeadWidth == 0
                ? width / HeadWidth
                : throw new InvalidDataException(
                    $"{files.Description}: the {tower} tower is {width} wide, which is no multiple of {HeadWidth}: the number of heads "
                        + $"cannot be inferred; add a config.json."
                );
    }
}
